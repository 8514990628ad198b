"""Reading the log from its end, over SQLite and a real PostgreSQL."""


def test_the_newest_entries_come_first_in_slices(store, kit):
    store.write(lambda tx: [tx.log.append(kit.entry(n=n)) for n in range(300)])

    def slices(tx):
        tx.log.append(kit.entry(n=300))
        first = tx.log.newest(3)
        return first, tx.log.newest(2, before=first[-1][0]), tx.log.newest(9, before=1), tx.log.newest(9, before=0)

    written = store.write(slices)
    assert [[at for at, _ in found] for found in written] == [[300, 299, 298], [297, 296], [0], []]
    assert [[entry.body["n"] for _, entry in found] for found in written] == [[300, 299, 298], [297, 296], [0], []]
    assert store.read(lambda tx: [at for at, _ in tx.log.newest(2, before=10**9)]) == [300, 299]
