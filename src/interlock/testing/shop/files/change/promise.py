"""When an order placed now will arrive."""


def promised_days(max_days: int, distance_km: float) -> int:
    """Whole days until delivery: one for each 500 km, at most ``max_days``."""
    return min(max_days, 1 + int(distance_km // 500))
