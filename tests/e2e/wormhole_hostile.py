# ruff: noqa: E501 - the attempts are what they are
"""Ways out of Python code that a check has passed: each is the body of `f(path)` and returns that file's content.

All of them work where nothing but the check stands in the way; that is tested, too.
The names that the check refuses are put together from parts, as an attacker would.
"""

from __future__ import annotations

# How to get at a function that opens files. `o` is it.
REACH: dict[str, str] = {
    # modules that other modules have imported
    "random": "import random; o = open_of(random._os)",
    "collections": "import collections; o = opened(collections._sys)",
    "json codecs": "import json; o = json.codecs.open",
    "json codecs builtins": "import json; o = json.codecs.builtins.open",
    "dataclasses builtins": "import dataclasses; o = dataclasses.builtins.open",
    "dataclasses sys": "import dataclasses; o = opened(dataclasses.sys)",
    "dataclasses inspect": "import dataclasses; o = open_of(dataclasses.inspect.os)",
    "typing": "import typing; o = opened(typing.sys)",
    "enum sys": "import enum; o = opened(enum.sys)",
    "enum builtins": "import enum; o = enum.bltns.open",
    "uuid": "import uuid; o = open_of(uuid.os)",
    "contextlib": "import contextlib; o = open_of(contextlib.os)",
    "calendar": "import calendar; o = opened(calendar.sys)",
    "fractions": "import fractions; o = opened(fractions.sys)",
    "re enum": "import re; o = re.enum.bltns.open",
    "string": "import string; o = string._re.enum.bltns.open",
    "textwrap": "import textwrap; o = textwrap.re.enum.bltns.open",
    "statistics": "import statistics; o = open_of(statistics.random._os)",
    # globals of functions
    "globals of json": "import json; o = b(getattr(json.dumps, G))['open']",
    "globals of a method": "import json; o = b(getattr(json.JSONEncoder.encode, G))['open']",
    "globals of functools": "import functools; o = b(getattr(functools.wraps, G))['open']",
    "globals of a decorated function": "import contextlib; o = b(getattr(contextlib.contextmanager(f), G))['open']",
    "globals of a property": "import fractions; o = b(getattr(fractions.Fraction.numerator.fget, G))['open']",
    "globals by vars": "import textwrap; o = b(vars(textwrap)['dedent'].__getattribute__(G))['open']",
    "globals by object": "import textwrap; o = b(object.__getattribute__(textwrap.dedent, G))['open']",
    "globals by a class": "import textwrap; o = b(getattr(textwrap.TextWrapper.__init__, G))['open']",
    "attrgetter": "import operator, json; o = b(operator.attrgetter(G)(json.dumps))['open']",
    "attrgetter of a path": "import operator, json; o = b(operator.attrgetter('encoder.JSONEncoder.encode.' + G)(json))['open']",
    "methodcaller": "import operator, json; o = b(operator.methodcaller('__getattribute__', G)(json.dumps))['open']",
    "reduce": "import functools, json; o = b(functools.reduce(getattr, ['encoder', 'JSONEncoder', 'encode', G], json))['open']",
    "partial": "import functools, json; o = b(functools.partial(getattr, json.dumps)(G))['open']",
    "map": "import json; o = b(next(map(getattr, [json.dumps], [G])))['open']",
    "a formatter": "import string, json; o = b(string.Formatter().get_field('0.' + G, (json.dumps,), {})[0])['open']",
    "a formatter's items": (
        "import string, json; "
        "o = b(string.Formatter().get_field('0.encoder.JSONEncoder.encode.' + G, (json,), {})[0])['open']"
    ),
    "a pattern": "import json\n    match json.dumps:\n        case object(__globals__=g): o = b(g)['open']",
    "a pattern of a class": (
        "import json\n    match json.JSONEncoder():\n"
        "        case json.JSONEncoder(encode=object(__func__=object(__globals__=g))): o = b(g)['open']"
    ),
    "a decorator": (
        "import json, operator\n    @operator.attrgetter(G)\n    def got(): pass\n"
        "    o = b(getattr(json.loads, G))['open']"
    ),
    "a metaclass": (
        "import json\n"
        "    class Meta(type):\n"
        "        def __getattr__(cls, name): return b(getattr(json.dumps, G))[name]\n"
        "    class Thing(metaclass=Meta): pass\n"
        "    o = getattr(Thing, 'open')"
    ),
    "a descriptor": (
        "import json\n"
        "    class Get:\n"
        "        def __get__(self, thing, owner): return b(getattr(json.dumps, G))['open']\n"
        "    class Thing:\n        got = Get()\n"
        "    o = Thing.got"
    ),
    "a comprehension": "import json; o = [b(getattr(x, G))['open'] for x in [json.dumps]][0]",
    "a default": "import json\n    def inner(o=b(getattr(json.dumps, G))['open']): return o\n    o = inner()",
    # frames
    "a traceback": (
        "\n    try: 1 / 0\n    except ZeroDivisionError as e: frame = getattr(e.__traceback__, 'tb_' + 'frame')\n"
        "    o = walk(frame)"
    ),
    "a generator": "\n    g = (lambda: (yield))()\n    o = walk_up(getattr(g, 'gi_' + 'frame'), g)",
    "getframe": "import collections; o = walk(collections._sys._getframe())",
    "current frames": "import collections; o = walk(next(iter(collections._sys._current_frames().values())))",
    "exc_info": "import collections\n    try: 1 / 0\n    except Exception: t = collections._sys.exc_info()[2]\n    o = walk(getattr(t, 'tb_' + 'frame'))",
    # classes
    "subclasses": "o = io_of(getattr(getattr((), '__cla' + 'ss__'), '__ba' + 'se__'))",
    "subclasses by type": "o = io_of(object)",
    "subclasses of type": "o = io_of(type.__getattribute__(object, '__mr' + 'o__')[0])",
    "subclasses by mro": "o = io_of(getattr(int, '__mr' + 'o__')[-1])",
    "subclasses by a method": "o = io_of(type('x', (), {}).mro()[-1])",
    # annotations, evaluated by the library
    "string annotations": (
        "import typing\n    def inner(): pass\n"
        "    inner.__annotations__ = {'x': \"[x := __import__('io').open]\"}\n"
        "    try: typing.get_type_hints(inner, {})\n    except TypeError: pass\n"
        "    import random; o = open_of(random._os)"
    ),
    "a forward reference": (
        "import typing\n"
        "    class Thing: pass\n"
        "    Thing.__annotations__ = {'x': 'seen.append(__import__(\"builtins\").open) or int'}\n"
        "    seen = []\n"
        "    typing.get_type_hints(Thing, {'seen': seen})\n"
        "    o = seen[0]"
    ),
    # the interpreter's own lists
    "modules": "import collections; o = collections._sys.modules['_io'].open",
    "modules builtins": "import collections; o = collections._sys.modules['builtins'].open",
    "garbage": (
        "import collections; o = [x for x in B(collections)('gc').get_objects()"
        " if type(x) is dict and 'open' in x and 'len' in x][0]['open']"
    ),
    "referrers": "import collections; o = [r for r in B(collections)('gc').get_referrers(len) if type(r) is dict and 'open' in r][0]['open']",
    "compiled": (
        "import collections; bi = collections._sys.modules['builtins']\n"
        "    space = {'__built' + 'ins__': bi}\n    vars(bi)['ex' + 'ec']('def g(): return open', space)\n    o = space['g']()"
    ),
    "a function of code": (
        "import collections; bi = collections._sys.modules['builtins']\n"
        "    code = vars(bi)['comp' + 'ile']('open', 'x', 'ev' + 'al')\n"
        "    o = type(f)(code, {'__built' + 'ins__': bi})()"
    ),
}

HELPERS = """
G = "__glo" + "bals__"
def b(g):
    found = g["__built" + "ins__"]
    return found if type(found) is dict else vars(found)
def opened(sys): return sys.modules["builtins"].open
def open_of(os): return lambda path: os.fdopen(os.open(path, 0))
def B(c): return vars(c._sys.modules["builtins"])["__imp" + "ort__"]
def walk(frame):
    while frame is not None:
        found = getattr(frame, "f_" + "builtins")
        if "open" in found: return found["open"]
        frame = getattr(frame, "f_" + "back")
def walk_up(frame, g):
    next(g)
    import random
    return walk(frame) or open_of(random._os)
def io_of(base):
    for one in getattr(type, "__subcla" + "sses__")(base):
        if one.__name__ == "_IOBase":
            raw = [c for c in getattr(type, "__subcla" + "sses__")(one) if c.__name__ in ("_RawIOBase", "RawIOBase")]
            for kind in raw:
                for file in getattr(type, "__subcla" + "sses__")(kind):
                    if file.__name__ == "FileIO": return lambda path: Reader(file(path))
class Reader:
    def __init__(self, raw): self.raw = raw
    def read(self): return self.raw.read().decode()
"""

# What to do with it: `m` are the modules, `imp` imports any, `path` is the file.
USE: dict[str, str] = {
    "open": "return m['builtins'].open(path).read()",
    "io": "return m['io'].open(path).read()",
    "_io": "return m['_io'].FileIO(path).read().decode()",
    "posix": "return m['posix'].read(m['posix'].open(path, 0), 1000).decode()",
    "os": "return m['os'].fdopen(m['os'].open(path, 0)).read()",
    "openat": "d = m['os'].open('/', 0); return m['os'].fdopen(m['os'].open(path[1:], 0, dir_fd=d)).read()",
    "codecs": "return m['codecs'].open(path).read()",
    "linecache": "return ''.join(m['linecache'].getlines(path))",
    "tokenize": "return m['tokenize'].open(path).read()",
    "a loader": "return m['_frozen_importlib_external'].FileLoader('x', path).get_data(path).decode()",
    "a source loader": "return m['_frozen_importlib_external'].SourceFileLoader('x', path).get_data(path).decode()",
    "popen": "return m['os'].popen('cat ' + path).read()",
    "system": "m['os'].system('cp ' + path + ' ' + path + '.copy'); return m['builtins'].open(path + '.copy').read()",
    "spawn": (
        "m['os'].waitpid(m['os'].posix_spawn('/bin/cp', ['cp', path, path + '.spawn'], {}), 0); "
        "return m['builtins'].open(path + '.spawn').read()"
    ),
    "fork": (
        "r, w = m['os'].pipe(); pid = m['os'].fork()\n"
        "    if pid == 0:\n        m['os'].write(w, m['builtins'].open(path, 'rb').read()); m['os']._exit(0)\n"
        "    m['os'].waitpid(pid, 0); return m['os'].read(r, 1000).decode()"
    ),
    "subprocess": "return imp('subprocess').check_output(['cat', path]).decode()",
    "pathlib": "return imp('pathlib').Path(path).read_text()",
    "mmap": "d = m['os'].open(path, 0); return imp('mmap').mmap(d, 0, prot=1)[:].decode()",
    "fileinput": "return ''.join(imp('fileinput').input([path]))",
    "shutil": "imp('shutil').copy(path, path + '.shutil'); return m['builtins'].open(path + '.shutil').read()",
    "ctypes read": (
        "c = imp('ctypes'); l = c.CDLL(None); d = l.open(path.encode(), 0); t = c.create_string_buffer(1000); "
        "l.read(d, t, 1000); return t.value.decode()"
    ),
    "ctypes fopen": (
        "c = imp('ctypes'); l = c.CDLL(None); l.fopen.restype = c.c_void_p; t = c.create_string_buffer(1000); "
        "l.fread(t, 1, 1000, c.c_void_p(l.fopen(path.encode(), b'r'))); return t.value.decode()"
    ),
    "ctypes syscall": (
        "c = imp('ctypes'); l = c.CDLL(None); d = l.syscall(257, -100, c.c_char_p(path.encode()), 0); "
        "t = c.create_string_buffer(1000); l.syscall(0, d, t, 1000); return t.value.decode()"
    ),
    "sendfile": (
        "o = m['os']; d = o.open(path, 0); r, w = o.pipe(); o.splice(d, w, 100); return o.read(r, 100).decode()"
    ),
    "copy_file_range": (
        "o = m['os']; d = o.open(path, 0); e = o.open(path + '.range', 66, 384); o.copy_file_range(d, e, 100); "
        "return m['builtins'].open(path + '.range').read()"
    ),
    "a link": "m['os'].symlink(path, path + '.link'); return m['builtins'].open(path + '.link').read()",
    "a hard link": "m['os'].link(path, path + '.hard'); return m['builtins'].open(path + '.hard').read()",
    "proc": "d = m['os'].open(path, 0); return m['builtins'].open(f'/proc/self/fd/{d}').read()",
    "memory": "return str(m['builtins'].open('/proc/self/maps').read().count('lib') and m['builtins'].open(path).read())",
    "a module": "m['sys'].path.insert(0, path.rpartition('/')[0]); return imp('wormhole_secret').CONTENT",
    "runpy": "return imp('runpy').run_path(path.rpartition('/')[0] + '/wormhole_secret.py')['CONTENT']",
    "execfile": "return m['builtins'].open(path).readline()",
    "sqlite": "return imp('sqlite3').connect(path + '.db').execute('SELECT c FROM t').fetchone()[0]",
    "zip": "return imp('zipfile').ZipFile(path + '.zip').read('x').decode()",
    "a socket": (
        "s = imp('socket'); a, e = s.socketpair(); a.sendall(m['builtins'].open(path, 'rb').read()); "
        "return e.recv(1000).decode()"
    ),
    "a descriptor over a socket": (
        "s = imp('socket'); a, e = s.socketpair(); s.send_fds(a, [b'x'], [m['os'].open(path, 0)]); "
        "return m['os'].read(s.recv_fds(e, 1, 1)[1][0], 1000).decode()"
    ),
}


def sources() -> dict[str, str]:
    """Each attempt as a source that defines `f(path)`."""
    made = {
        f"reach: {name}": f"{HELPERS}\ndef f(path):\n    {body}\n    return o(path).read()\n"
        for name, body in REACH.items()
    }
    start = "import collections\n    m = collections._sys.modules; imp = B(collections)"
    made |= {
        f"use: {name}": f"{HELPERS}\ndef f(path):\n    {start}\n    {body}\n" for name, body in USE.items()
    }
    return made
