"""What in a file looks like a secret, and what only speaks of one."""

from __future__ import annotations

import time

import pytest

from interlock.core.review.hunks import Line
from interlock.core.review.secrets import secret_in

AWS = "AKIA" + "Z3MQ7PLX2KVN8RTW"


def said(path, text, sign="+"):
    lines = enumerate(text.split("\n"), 1)
    return secret_in(path, [Line(number=0 if sign == "-" else n, sign=sign, text=line) for n, line in lines])


SECRETS = [
    ("a.py", "k = 'AKIA' + 'Z3MQ7PLX2KVN8RTW'"),
    ("a.py", f"k = '{AWS}'"),
    ("a.yaml", "  password: Tr0ub4dor3zz9"),
    ("a.yaml", "password: swordfish"),
    ("a.yaml", "- password: swordfish # of ana"),
    ("a.yaml", '"password": swordfish'),
    ("a.yaml", "password: 'abc'"),
    ("a.yaml", "password: 12345678"),
    ("a.yaml", "password: ${DB_PASSWORD:-swordfish}"),
    ("a.yaml", 'password: {{ .Values.p | default "swordfish" }}'),
    ("a.yaml", "db: {user: a, password: swordfish}"),
    ("a.yaml", "passwords: [swordfish, other]"),
    ("a.yaml", "passwords:\n  - Swordfish12"),
    ("a.yaml", "credentials:\n  db: swordfish"),
    ("a.yaml", "password: |\n  swordfish"),
    ("a.yaml", "- name: DB_PASSWORD\n  value: swordfish"),
    ("a.yaml", "  Authorization: Bearer abcdefghijklmnopqrstuvwxyz012345"),
    ("a.yaml", "redis: redis://:swordfish@cache:6379"),
    ("run", "DB_PASSWORD=Tr0ub4dor3zz9"),
    ("run.sh", "export DB_PASSWORD=swordfish"),
    ("run.sh", "mysql --password swordfish"),
    ("Dockerfile", "ENV DB_PASSWORD swordfish"),
    ("a.properties", "client_secret=kf83hf72hsl20fjs93hfks72jf"),
    ("a.ini", "passwd = swordfish"),
    ("a.toml", 'api_key = "abc123"'),
    ("a.json", '  "apiKey": "abc123def",'),
    ("a.xml", "<password>swordfish</password>"),
    ("a.sql", "CREATE USER x IDENTIFIED BY 'S3cr3tP4ss'"),
    ("a.tf", '  password = "swordfish"'),
    ("a.py", "SECRET_KEY = 'django-insecure-abc$def9'"),
    ("a.py", "password = '$ecret12345'"),
    ("a.py", "password = (\n    'hunter2hunter2'\n)"),
    ("a.py", "# password: Tr0ub4dor3zz9"),
    ("a.py", "h = {'Authorization': 'Basic dXNlcjpwYXNzd29yZDE='}"),
    ("a.py", "url = 'jdbc:postgresql://db/x?user=a&password=swordfish'"),
    ("a.cs", '"Server=db;User Id=sa;Password=swordfish;"'),
    ("a.rb", "password => 'swordfish'"),
    ("a.js", "const token = `abc123def456`"),
    ("a.go", 'apiKey := "abc123def456"'),
    ("a.js", "x" * 20_001),
]


@pytest.mark.parametrize(("path", "text"), SECRETS)
def test_a_secret_is_seen_on_every_side_and_its_value_is_not_repeated(path, text):
    for sign in "+- ":
        why = said(path, text, sign)
        assert why.startswith("a line ")
        assert text.split("\n")[-1].strip() not in why


@pytest.mark.parametrize(
    "token",
    [
        "gh" + "p_aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5",
        "github" + "_pat_" + "a1" * 20,
        "gl" + "pat-" + "a1" * 10,
        "xo" + "xb-123456789012-1234567890123-AbCdEfGh",
        "https://hooks.slack" + ".com/services/T0000/B0000/abcd",
        "sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc",
        "rk_" + "test_4eC39HqLyjWDarjtT1zdp7dc",
        "AI" + "za" + "a1B2c" * 7,
        "ya" + "29.a0AfH6SMBabcdefghijkl",
        "SG" + "." + "a1B2" * 5 + "ab." + "c3D4" * 10,
        "S" + "K" + "0a" * 16,
        "npm" + "_" + "a1B2" * 9,
        "pypi" + "-AgEIcHlwaS5vcmc" + "a1" * 20,
        "abc" + "8Q~" + "a1B2c3D4" * 4,
        "AccountKey=" + "Eby8vdM02xNOcqFlqUwJPLlm",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcdEFGH",
        "-----BEGIN RSA PRIVATE KEY-----",
        "postgres://admin:S3cr3tP4ss@db/shop",
    ],
)
def test_a_known_form_is_seen_wherever_it_stands(token):
    assert said("a.py", f"note = f('{token}')")
    assert said("notes.md", f"See {token} for it")


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: Secret\ndata:\n  x: VHIwdWI0ZG9yM3p6OQ==",
        'kind: "Secret"',
        '{"apiVersion": "v1", "kind": "Secret", "data": {"x": "VHIwdWI0"}}',
    ],
)
def test_a_secret_of_kubernetes_is_one_as_a_whole(text):
    assert said("a.yaml", text) == "a Kubernetes Secret"


@pytest.mark.parametrize(
    "text",
    [
        "password: ${PASSWORD}",
        "password: {{ .Values.password }}",
        "password: changeme",
        "password:",
        "password: null",
        "password: ''",
        "password: ~",
        "password: <your password>",
        "password: string",
        "password: ******",
        "password = os.environ['DB_PASSWORD']",
        "token: ${{ secrets.GITHUB_TOKEN }}",
        "password: ${env:DB_PASSWORD}",
        "DB_PASSWORD=$DB_PASSWORD",
        'export DB_PASSWORD="$(cat /run/x)"',
        "password: !Ref DbPassword",
        "password: vault:secret/db#password",
        "password_file: /run/secrets/db",
        "password: /run/secrets/db",
        "token: ENC[AES256_GCM,tag:x]",
        "url: postgres://app:${DB_PASSWORD}@db/shop",
        "secretName: shop-db",
        "token_url: https://x.example/token",
        "max_tokens: 4096",
        "tokens: 4096",
        "secrets: inherit",
        "secrets: []",
        "id-token: write",
        "authorization: enabled",
        "auth: basic",
        "api_key: YOUR-API-KEY",
        "Authorization: Bearer $TOKEN",
        "# the password: a text that nobody knows",
        "valueFrom:\n  secretKeyRef:\n    name: db\n    key: password",
        "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef: {name: db, key: password}",
        "- name: DB_PASSWORD\n  value: $(OTHER)",
        "secrets:\n  db_password:\n    file: ./db_password.txt",
        "secrets:\n  - db_password",
        "kind: ExternalSecret",
        "kind: SecretStore",
        "- secret:\n    secretName: x",
    ],
)
def test_settings_that_only_point_to_a_secret_are_none(text):
    assert said("a.yaml", text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "def f(password: str, token: str | None = None) -> None:",
        "password=password,",
        "token = get_token(user, 3)",
        "self.token = token",
        "secret = sha256(b'x').hexdigest()",
        "if token == other:",
        "const token = process.env.TOKEN;",
        'token := os.Getenv("TOKEN")',
        "password = var.db_password",
        "# Bearer authentication is wanted",
        "credentials = load(path)",
        "tokens = [int(x) for x in y]",
        "print(f'Bearer {token}')",
        "secret_key = settings.SECRET_KEY",
        "credentials = {\n  'username': user,\n  'password': password,\n}",
        "raise ValueError('a password is wanted')",
    ],
)
def test_a_program_that_works_with_secrets_has_none(text):
    assert said("a.py", text) == ""
    assert said("a.ts", text) == ""


@pytest.mark.parametrize(
    "piece", ["a:", "password: ", "token=\\", "{{", "<a>", "${", "--a ", "'a':", ";password=", "a.b("]
)
def test_hostile_lines_are_looked_through_quickly(piece):
    started = time.process_time()
    said("a.yaml", (piece * 20_000)[:20_000])
    assert time.process_time() - started < 2
