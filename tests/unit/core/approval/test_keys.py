"""Which public keys may stand for a person."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from interlock.core.approval.keys import KEY_TYPES, parse_key_blob, parse_public_key
from interlock.core.approval.sshsig import public_blob
from interlock.core.approval.wire import wire_mpint, wire_string
from interlock.core.change.errors import InvalidInput
from interlock.testing.authenticator import UnsafeSimulatedAuthenticator
from interlock.testing.signing import UnsafeNamedSigner

ED25519 = UnsafeNamedSigner("ana").public_key.line
BLOB = ED25519.split()[1]
FIELD = 2**255 - 19


def line_of(blob: bytes, key_type: str) -> str:
    return f"{key_type} {base64.b64encode(blob).decode()}"


def ed25519_line(height: int) -> str:
    return line_of(wire_string(b"ssh-ed25519") + wire_string(height.to_bytes(32, "little")), "ssh-ed25519")


def rsa_line(bits: int, exponent: int = 65537) -> str:
    # A key of any size can be written without being made: its modulus only has to be odd.
    modulus = (1 << (bits - 1)) | 1
    return line_of(wire_string(b"ssh-rsa") + wire_mpint(exponent) + wire_mpint(modulus), "ssh-rsa")


def code_of(line: str) -> str:
    with pytest.raises(InvalidInput) as refused:
        parse_public_key(line)
    return refused.value.code


@pytest.mark.parametrize(
    "private",
    [
        Ed25519PrivateKey.from_private_bytes(bytes(32)),
        ec.derive_private_key(7, ec.SECP256R1()),
        ec.derive_private_key(7, ec.SECP384R1()),
    ],
)
def test_software_keys_are_read(private):
    blob = public_blob(private)
    key = parse_public_key(line_of(blob, parse_key_blob(blob).key_type) + " ana@laptop")
    assert key.fingerprint == "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    assert (key.comment, key.application) == ("ana@laptop", None)


@pytest.mark.parametrize("key_type", [name for name in KEY_TYPES if name.startswith("sk-")])
def test_security_keys_are_read_with_their_application(key_type):
    device = UnsafeSimulatedAuthenticator("ana", key_type=key_type)
    key = parse_public_key(device.public_key.line)
    assert (key.key_type, key.application) == (key_type, "ssh:")


def test_the_comment_is_no_part_of_the_key():
    assert parse_public_key(ED25519 + " and ben@shop.example").line == " ".join(ED25519.split()[:2])


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("", "key-malformed"),
        ("ssh-ed25519", "key-malformed"),
        (f"ssh-ed25519 {BLOB}\nssh-ed25519 {BLOB}", "key-malformed"),
        (f"ssh-ed25519 {BLOB} a\rb", "key-malformed"),
        (f"ssh-ed25519 {BLOB[:-4]}", "key-malformed"),
        (f"ssh-ed25519 {BLOB}====", "key-malformed"),
        (f"ssh-ed25519 {BLOB[:20]} {BLOB[20:]}", "key-malformed"),
        (f"ssh-ed25519 {base64.b64encode(base64.b64decode(BLOB) + b'x').decode()}", "key-malformed"),
        (f"ssh-rsa {BLOB}", "key-malformed"),
        (f"ssh-ed25519 {BLOB} {'x' * 5000}", "key-malformed"),
        (f'command="true" ssh-ed25519 {BLOB}', "key-unsupported"),
        (f"cert-authority ssh-ed25519 {BLOB}", "key-unsupported"),
        (f"ssh-ed25519-cert-v01@openssh.com {BLOB}", "key-unsupported"),
        (f"ssh-dss {BLOB}", "key-unsupported"),
        (f"ana ssh-ed25519 {BLOB}", "key-unsupported"),
        (f"SSH-ED25519 {BLOB}", "key-unsupported"),
        (rsa_line(2048), "key-weak"),
        (rsa_line(3071), "key-weak"),
        (rsa_line(8193), "key-weak"),
        (rsa_line(3072, exponent=3), "key-weak"),
        (rsa_line(3072, exponent=65538), "key-weak"),
        (rsa_line(3072, exponent=2**40 + 1), "key-weak"),
    ],
)
def test_what_is_no_key_is_refused(line, code):
    assert code_of(line) == code


def test_rsa_at_the_limit_is_read():
    assert parse_public_key(rsa_line(3072)).key_type == "ssh-rsa"


def test_small_order_points_are_refused():
    heights = small_order_heights()
    assert len(heights) == 5
    for height in heights:
        for sign in (0, 2**255):
            assert code_of(ed25519_line(height + sign)) == "key-weak"
    assert code_of(ed25519_line(FIELD)) == "key-weak"
    assert code_of(ed25519_line(FIELD + 1)) == "key-weak"


def small_order_heights() -> set[int]:
    """The heights of the points whose order divides eight: what is left of points times the big prime."""
    order = 2**252 + 27742317777372353535851937790883648493
    heights = {0, 1, FIELD - 1}
    for height in range(2, 40):
        point = on_curve(height)
        if point:
            heights.add(times(order, point)[1])
    return heights


D = -121665 * pow(121666, -1, FIELD) % FIELD


def on_curve(height: int) -> tuple[int, int] | None:
    square = (height * height - 1) * pow(D * height * height + 1, -1, FIELD) % FIELD
    root = pow(square, (FIELD + 3) // 8, FIELD)
    for side in (root, root * pow(2, (FIELD - 1) // 4, FIELD) % FIELD):
        if side * side % FIELD == square:
            return (side, height)
    return None


def added(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    (x1, y1), (x2, y2) = one, other
    product = D * x1 * x2 * y1 * y2 % FIELD
    side = (x1 * y2 + x2 * y1) * pow(1 + product, -1, FIELD) % FIELD
    return (side, (y1 * y2 + x1 * x2) * pow(1 - product, -1, FIELD) % FIELD)


def times(factor: int, point: tuple[int, int]) -> tuple[int, int]:
    found = (0, 1)
    while factor:
        if factor & 1:
            found = added(found, point)
        point, factor = added(point, point), factor >> 1
    return found


@pytest.mark.parametrize("application", ["", "https://shop.example", "SSH:"])
def test_a_security_key_made_for_something_else_is_refused(application):
    device = UnsafeSimulatedAuthenticator("ana", application=application)
    with pytest.raises(InvalidInput) as refused:
        parse_key_blob(device.blob)
    assert refused.value.code == "key-weak"


@pytest.mark.parametrize(
    "point",
    [b"", b"\x04" + bytes(64), b"\x02" + bytes(31) + b"\x01", b"\x04" + b"\x01" * 64, b"\x04" + bytes(63)],
)
def test_points_off_the_curve_or_compressed_are_refused(point):
    blob = b"".join(map(wire_string, (b"ecdsa-sha2-nistp256", b"nistp256", point)))
    assert code_of(line_of(blob, "ecdsa-sha2-nistp256")) == "key-malformed"


def test_the_compressed_form_would_give_one_key_a_second_fingerprint_and_is_refused():
    public = ec.derive_private_key(7, ec.SECP256R1()).public_key()
    point = public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    blob = b"".join(map(wire_string, (b"ecdsa-sha2-nistp256", b"nistp256", point)))
    assert code_of(line_of(blob, "ecdsa-sha2-nistp256")) == "key-malformed"


def test_a_curve_that_is_not_the_types_is_refused():
    point = public_blob(ec.derive_private_key(7, ec.SECP384R1()))[-97:]
    blob = b"".join(map(wire_string, (b"ecdsa-sha2-nistp256", b"nistp384", point)))
    assert code_of(line_of(blob, "ecdsa-sha2-nistp256")) == "key-malformed"


def test_a_p521_key_cannot_even_sign_here():
    with pytest.raises(InvalidInput) as refused:
        parse_key_blob(public_blob(ec.derive_private_key(7, ec.SECP521R1())))
    assert refused.value.code == "key-unsupported"


@pytest.mark.parametrize("number", [b"", b"\x80", b"\x00", b"\x00\x7f" + bytes(384)])
def test_numbers_have_one_positive_minimal_form(number):
    blob = wire_string(b"ssh-rsa") + wire_mpint(65537) + wire_string(number)
    assert code_of(line_of(blob, "ssh-rsa")) == "key-malformed"


def test_a_length_beyond_the_end_is_refused():
    with pytest.raises(InvalidInput) as refused:
        parse_key_blob(b"\xff\xff\xff\xffssh-ed25519")
    assert refused.value.code == "key-malformed"


def test_every_refusal_is_one_lowercase_line_with_a_hint():
    with pytest.raises(InvalidInput) as refused:
        parse_public_key(rsa_line(1024))
    assert str(refused.value) == "expected a strong key, got an RSA key of 1024 bits"
    assert refused.value.hint


def test_a_real_rsa_key_is_read():
    private = rsa.generate_private_key(65537, 3072)
    assert parse_key_blob(public_blob(private)).key_type == "ssh-rsa"
