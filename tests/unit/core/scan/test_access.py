"""Rules of access on small applications, as people write them."""

from __future__ import annotations

import ast
import textwrap

import pytest

from interlock.core.scan.access import Custom, access_findings, custom
from interlock.core.scan.access_routes import routes
from interlock.core.scan.access_words import demands, guards, is_open

ASKING = Custom(asking=9, routes=10)


def tree(code):
    return ast.parse(textwrap.dedent(code))


def found(code, project=ASKING, before=None):
    was, now = routes(tree(before)) if before else (), tree(code)
    return [(one.rule, one.cwe) for one in access_findings(now, routes(now), project=project, before=was)]


@pytest.mark.parametrize(
    "guard",
    [
        "@app.get('/o')\n@login_required\ndef f(): return 1",
        "@app.get('/o')\n@auth.login_required(role='admin')\ndef f(): return 1",
        "@app.get('/o')\n@admins_only\ndef f(): return 1",
        "@app.get('/o', dependencies=[Depends(verify_token)])\ndef f(): return 1",
        "@app.get('/o')\ndef f(user=Depends(get_current_user)): return 1",
        "@app.get('/o')\ndef f(user: Annotated[User, Security(get_user)]): return 1",
        "@app.get('/o')\ndef f(who: CurrentUser): return 1",
        "app = APIRouter(dependencies=[Depends(require_auth)])\n@app.get('/o')\ndef f(): return 1",
        "@app.before_request\ndef ask():\n  if not logged_in(): abort(401)\n@app.get('/o')\ndef f(): return 1",
        "@app.get('/o')\ndef f():\n  if not current_user.is_admin: return 'no'\n  return 1",
        "@app.get('/o')\ndef f():\n  if 'user' not in session: return redirect('/')\n  return 1",
        "@app.get('/o')\ndef f():\n  check_permission('orders')\n  return 1",
        "@app.get('/o')\ndef f():\n  raise HTTPException(status_code=403)",
        "@app.get('/o')\ndef f():\n  if request.headers.get('X-Api-Key') != K: return 'no'",
        "from django.http import HttpResponse\n@permission_required('x')\ndef f(request): return HttpResponse('')",
        "from django.views import View\nclass F(LoginRequiredMixin, View): pass",
    ],
)
def test_a_guard_is_seen_however_it_is_written(guard):
    assert all(one.guarded for one in routes(tree(guard)))
    assert found(guard) == []


@pytest.mark.parametrize(
    ("code", "cwe"),
    [
        ("@app.get('/o')\ndef f(): return 1", 306),
        ("@app.route('/o')\n@cache.cached(timeout=5)\ndef f(): return 1", 306),
        ("@app.route('/o')\n@require_http_methods(['GET'])\ndef f(): return 1", 306),
        ("@app.get('/o')\nasync def f(db=Depends(get_session)): return 1", 306),
        ("@app.get('/o')\ndef f(): return current_user.name", 306),
        ("@app.get('/admin/login-as')\ndef f(): return 1", 306),
        ("@app.before_request\ndef t():\n  if current_user.ok: see()\n@app.get('/o')\ndef f(): return 1", 306),
        ("from django.http import HttpResponse\ndef f(request): return HttpResponse('')", 306),
        ("from rest_framework.views import APIView\nclass F(APIView):\n  permission_classes = [AllowAny]", 862),
        ("from rest_framework.views import APIView\nclass F(APIView):\n  permission_classes = []", 862),
        ("@app.get('/o')\n@permission_classes([AllowAny])\ndef f(): return 1", 862),
    ],
)
def test_a_route_that_asks_nobody_where_most_do(code, cwe):
    assert found(code) == [("route-unguarded", cwe)]
    assert found(code, project=Custom(asking=5, routes=10)) == []
    assert found(code, project=Custom()) == []
    assert found(code, project=None) == [("route-unguarded", cwe)]


@pytest.mark.parametrize(
    "code",
    [
        "@app.get('/health')\ndef f(): return 1",
        "@app.post('/login')\ndef sign_in(): return 1",
        "@app.get('/')\ndef f(): return 1",
        "def f(request): return 1",
        "from django.http import HttpRequest\ndef address(request): return request.ip",
        "from rest_framework.views import APIView\nclass F(APIView): pass",
        "requests.get('http://x')\n@cache.get\ndef f(): return 1",
        "@parametrize.get('name')\ndef f(): return 1",
    ],
)
def test_what_is_open_or_no_route_is_left_alone(code):
    assert found(code) == []


def test_a_file_with_enough_routes_speaks_for_itself():
    three = "".join(f"@app.get('/o{n}')\n@login_required\ndef f{n}(): return 1\n" for n in range(3))
    new = "@app.get('/n')\ndef new(): return 1\n"
    assert found(three + new, project=Custom(asking=0, routes=50)) == [("route-unguarded", 306)]
    open_ones = "".join(f"@app.get('/p{n}')\ndef p{n}(): return 1\n" for n in range(3))
    assert found(three + open_ones + new) == []
    assert custom(routes(tree(three + new))) == Custom(asking=3, routes=4)


def test_a_guard_that_is_taken_away_is_told_whatever_the_body_does():
    body = "def f():\n  if current_user.ok: return 2\n  return 1"
    before = f"@app.get('/o')\n@login_required\n{body}"
    assert found(f"@app.get('/o')\n{body}", before=before) == [("guard-removed", 306)]
    assert found(f"@app.get('/o')\n{body}", before=before, project=Custom()) == [("guard-removed", 306)]
    assert found(before, before=before) == []
    assert found(f"@app.get('/o')\n{body}", before=f"@app.get('/o')\n{body}") == []


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("jwt.decode(t, options={'verify_signature': False})", 1),
        ("jwt.decode(t, k, verify=False)", 1),
        ("jwt.decode(t, k, algorithms=['none'])", 1),
        ("jwt.get_unverified_claims(t)", 1),
        ("jwt.decode(t, k, algorithms=['HS256'])", 0),
        ("jwt.get_unverified_header(t)", 0),
        ("base64.decode(t, verify=False)", 0),
    ],
)
def test_a_token_that_is_not_verified(code, count):
    assert found(code, project=Custom()) == [("token-unverified", 287)] * count


def test_words():
    assert guards("LoginRequiredMixin")
    assert guards("get_current_user")
    assert guards("apiKey_header")
    assert not guards("csrf_token")
    assert not guards("login_optional")
    assert demands("verified_only")
    assert not demands("json_required")
    assert is_open("f", "/webhooks/pay")
    assert not is_open("f", "/admin/health")


APP = """
from flask import Flask
from auth import login_required
app = Flask(__name__)
@app.route("/a")
@login_required
def a(): return "a"
@app.route("/b")
@login_required
def b(): return "b"
"""
AUTH = """
from functools import wraps
from flask import session, abort
def login_required(f):
    @wraps(f)
    def inner(*a, **k):
        if "user" not in session:
            abort(401)
        return f(*a, **k)
    return inner
"""
INLINE = """
@app.route("/a")
def a():
    if not current_user.is_admin: abort(403)
    return "a"
"""
BOTH = INLINE.replace("def a", "@login_required\ndef a")
TWO = "@app.get('/a')\n@login_required\n@admins_only\ndef a(): return 1"
REST = """
from rest_framework.views import APIView
class V(APIView):
    permission_classes = [IsAuthenticated]
"""
MIXED = """
from django.views import View
class V(LoginRequiredMixin, View):
    def get(self, r): return 1
"""
ALLOWED = """
class IsOwnerPermission:
    def has_permission(self, request, view):
        return request.user.is_owner
"""


def changed(before, after):
    was, now = tree(before), tree(after)
    weak = access_findings(now, routes(now), project=Custom(), before=routes(was), was=was)
    return [one.rule for one in weak]


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ("guard-voided", AUTH, AUTH.replace("abort(401)", "pass")),
        ("guard-voided", AUTH, AUTH.replace("abort(401)", "log('nobody')")),
        ("guard-voided", AUTH, AUTH.replace("if ", "if False and ")),
        ("guard-voided", AUTH, AUTH.replace("        if ", "        return f(*a, **k)\n        if ")),
        ("guard-voided", AUTH, "def login_required(f):\n    return f"),
        ("guard-voided", AUTH, "login_required = lambda f: f"),
        ("guard-voided", INLINE, INLINE.replace("abort(403)", "pass")),
        ("guard-voided", ALLOWED, ALLOWED.replace("request.user.is_owner", "True")),
        ("guard-voided", APP, APP.replace("from auth import login_required", "def login_required(f): return f")),
        ("guard-voided", APP, APP.replace("app =", "login_required = str\napp =")),
        ("guard-voided", APP, APP.replace("import login_required", "import as_it_is as login_required")),
        (
            "guard-removed",
            APP,
            APP.replace('@app.route("/b")\n@login_required', '@login_required\n@app.route("/b")'),
        ),
        (
            "guard-removed",
            APP,
            APP.replace("@login_required\ndef b", "@(login_required if not app.debug else lambda f: f)\ndef b"),
        ),
        ("guard-removed", INLINE, INLINE.replace("if not current_user.is_admin: abort(403)", "pass")),
        ("guard-removed", BOTH, BOTH.replace("if not current_user.is_admin: abort(403)", "pass")),
        ("guard-removed", TWO, TWO.replace("@admins_only\n", "")),
        ("guard-removed", REST, REST.replace("[IsAuthenticated]", "[]")),
        ("guard-removed", REST, REST.replace("IsAuthenticated", "AllowAny")),
        ("guard-removed", MIXED, MIXED.replace("LoginRequiredMixin, View", "View, LoginRequiredMixin")),
    ],
)
def test_a_guard_that_is_made_void_is_found(rule, before, after):
    assert changed(before, before) == []
    assert changed(before, after)[:1] == [rule]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (AUTH, AUTH.replace("abort(401)", "return redirect('/login')")),
        (AUTH, AUTH.replace("abort(401)", "raise Unknown")),
        (AUTH, AUTH.replace('if "user" not in session:\n            abort(401)', "check_login()")),
        (APP, APP.replace("from auth", "from shop.auth")),
        (APP, APP.replace("import login_required", "import admins_only as login_required")),
        (
            INLINE,
            INLINE.replace("    if not current_user.is_admin: abort(403)\n", "").replace("def", "@admin\ndef"),
        ),
        (TWO, TWO.replace("@login_required\n@admins_only", "@owners_only")),
        (REST, REST.replace("IsAuthenticated", "IsAdminUser")),
        (MIXED, MIXED.replace("LoginRequiredMixin", "Cached, StaffRequiredMixin")),
        (ALLOWED, ALLOWED.replace("is_owner", "is_staff")),
        ("", "def mark_required(f):\n    f.required = True\n    return f"),
        ("", "def only(names, given):\n    return [each for each in given if each in names]"),
        ("", "def role(role):\n    return role"),
        ("", "key_required = min(found, key=lambda one: one)"),
    ],
)
def test_a_guard_that_still_stands_or_is_none_is_no_finding(before, after):
    assert changed(before, after) == []


@pytest.mark.parametrize(
    ("added", "expected"),
    [
        ('def e(): return "e"\napp.add_url_rule("/e", "e", e)', ["route-unguarded"]),
        ('def e(): return "e"\napp.add_url_rule("/e", view_func=e)', ["route-unguarded"]),
        ('class E: pass\napp.add_url_rule("/e", view_func=E.as_view("e"))', ["route-unguarded"]),
        ('@login_required\ndef e(): return "e"\napp.add_url_rule("/e", "e", e)', []),
        ('def e(): return "e"\napp.add_url_rule("/e", "e", login_required(e))', []),
        ('def e(): return "e"\napp.add_api_route("/e", e, dependencies=[Depends(login)])', []),
        ('def e(): abort(403)\napp.add_url_rule("/e", "e", e)', []),
    ],
)
def test_a_route_that_a_call_makes_is_one(added, expected):
    assert found(APP + added) == [(rule, 306) for rule in expected]
