#!/usr/bin/python3
"""Records what Ansible's lookups give: writes ansible/lookups-2.14.jsonl beside
itself, or lookups-current.jsonl where ansible-core 2.19 or later runs it.

The first line holds the version, the files and the variables; @ stands for the
folder in which the files are.
"""
import json
import os
import tempfile

FOLDER = tempfile.TemporaryDirectory()
os.makedirs(os.path.join(FOLDER.name, "collections", "ansible_collections"))
os.environ["ANSIBLE_COLLECTIONS_PATHS"] = os.environ["ANSIBLE_COLLECTIONS_PATH"] = os.path.join(FOLDER.name, "collections")

import ansible.release
from ansible.parsing.dataloader import DataLoader

CURRENT = tuple(int(n) for n in ansible.release.__version__.split(".")[:2]) >= (2, 19)
if CURRENT:
    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader()
from ansible.template import Templar

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ansible")
FILES = {
    "files/ansible.csv": "bob\t1\tx\nann\t2\ty\n\"q q\"\t\"3,4\"\tz\n",
    "files/ansible.ini": "[s]\nk = v1\n more\nK2: v2\nempty =\nabc = %(empty)sz\n[global]\ng = 1\n[t]\nab1 = x\nab2 = y\n[DEFAULT]\nd = dd\n",
    "files/c.ini": "[s]\nk = v1\n more\nK2: v2\nempty =\nint = %(k)s!\n[global]\ng = 1\nnov\n[t]\nab1 = x\nab2 = y\n[DEFAULT]\nd = dd\n",
    "files/f.txt": "text\n",
    "files/g1.conf": "",
    "files/g2.conf": "",
    "files/ok.ini": "[s]\nk = v1\n more\nK2: v2\nempty =\nabc = %(empty)sz\n[global]\ng = 1\n[t]\nab1 = x\nab2 = y\n[DEFAULT]\nd = dd\n",
    "files/p.properties": "a = 1\nb.c = 2\n# x\n",
    "files/pw.ident": "pw3 salt=abcdefgh12345678 ident=2b\n",
    "files/pw.plain": "pw2\n",
    "files/pw.salt": "pw1 salt=abcdefgh\n",
    "files/users.csv": "bob,1,x\nann,2,y\n#c,5,6\nann,3,z\nshort\n",
    "files/users.tsv": "bob\t1\tx\nann\t2\ty\n\"q q\"\t\"3,4\"\tz\n",
    "files/ws.txt": "  lead and trail  \n\n",
    "glob/.hid": "",
    "glob/a": "",
    "glob/a[": "",
    "sub/a": "one\n",
    "sub/d/b": "two\n",
    "tasks/x.yml": "t\n",
    "templates/blk.j2": "{{ 'a\\\\nb' }}\n{% if true %}\n  x\n{% endif %}\n",
    "templates/hdr.j2": "#jinja2: variable_start_string: \"[%\", variable_end_string: \"%]\", trim_blocks: false\nx [% v %] {{ y }}\n",
    "templates/j.j2": "{\"a\": {{ v }}, \"b\": null}\n",
    "templates/l.j2": "[1, 2]\n",
    "templates/meta.j2": "dir {{ template_path | basename }} {{ template_host is defined }} {{ ansible_managed }} {{ template_fullpath|basename }} {{ w | default(\"none\") }}\n",
    "templates/nat.j2": "{{ [1, 2] }}",
    "templates/syn.j2": "{% if %}",
    "templates/t.j2": "v={{ v }}\n",
    "templates/undef.j2": "{{ nope }}",
    "templates/vs.j2": "[% v %] [# c #] {{ y }}\n",
    "store/a/b.gpg": "p1\nuser: bob\nport: 80\nnote: x\n",
    "store/plain.gpg": "one line\n",
    "store/odd.gpg": "pw\nkey: [\nurl: http://x:1\n",
    "vars/Debian.yml": "xx",
    "collections/ansible_collections/test/manifest/MANIFEST.json": "{\"collection_info\": {\"version\": \"1.2.3\"}}",
    "collections/ansible_collections/test/manifest/galaxy.yml": "version: 9.9.9\n",
    "collections/ansible_collections/test/galaxy/galaxy.yml": "namespace: test\nversion: 2.0.0\n",
    "collections/ansible_collections/test/nover/galaxy.yml": "namespace: test\nversion:\n",
    "collections/ansible_collections/test/plain/README.md": "",
    "collections/ansible_collections/test/bad/MANIFEST.json": "{",
}
PROGRAMS = {
    "bin/bw": """#!/bin/sh
case "$1 $2" in
"status ") echo '{"status": "'${BW_SESSION:-unlocked}'"}' ;;
"list items") echo '[{"id": "1", "name": "a", "login": {"username": "bob", "password": "p1"}, "fields": [{"name": "extra", "value": "e1"}]}, {"id": "2", "name": "ab", "login": {"password": "p2"}}]' ;;
"list collections") echo '[{"id": "c1", "name": "Col"}]' ;;
"get item") [ "$3" = 1 ] && echo '{"id": "1", "name": "a", "login": {"password": "p1"}}' || { echo 'Not found.' >&2; exit 1; } ;;
*) echo "no $*" >&2; exit 1 ;;
esac
""",
    "bin/lpass": """#!/bin/sh
case "$1" in
logout) echo 'Are you sure you would like to log out?' >&2; exit 1 ;;
show) [ "$3" = gone ] && { echo 'Error: Could not find specified account(s).' >&2; exit 1; }; echo " $2 of $3 " ;;
esac
""",
    "bin/op": r"""#!/bin/sh
case "$1 $2 $3" in
"--version  ") echo 2.7.2 ;;
"whoami  ") [ "$OP_SERVICE_ACCOUNT_TOKEN" = svc ] || { echo bad token >&2; exit 1; } ;;
"account list "*) case "$*" in *broken*) echo cannot list >&2; exit 3 ;; *nobody*) ;; *) echo an account ;; esac ;;
"account get "*) case "$*" in *out*) exit 1 ;; esac ;;
"account add --raw") read -r word; [ "$word $OP_SECRET_KEY" = "mp sk" ] && echo "session of $5 $7" || { echo Unauthorized >&2; exit 1; } ;;
"item get login") echo '{"id": "1", "category": "LOGIN", "sections": [{"id": "s1", "label": "Sec One"}], "fields": [{"id": "username", "label": "username", "value": "agent"}, {"id": "password", "label": "Password", "value": "p1"}, {"id": "abc", "label": "Extra", "section": {"id": "s1", "label": "Sec One"}, "value": "e1"}, {"id": "abd", "label": "Extra", "section": {"id": "s2"}, "value": "e2"}, {"id": "notes", "label": "notes"}]}' ;;
"item get "[Pp]"assword only") echo '{"id": "2", "fields": [{"id": "password", "label": "password", "value": "p2"}]}' ;;
"item get key") echo '{"category": "SSH_KEY", "fields": [{"id": "public_key", "value": "pub"}, {"id": "private_key", "type": "SSHKEY", "value": "PKCS", "ssh_formats": {"openssh": {"value": "OPENSSH"}}}]}' ;;
"item get nokey") echo '{"category": "SSH_KEY", "fields": []}' ;;
"item get args") echo '{"fields": [{"id": "password", "value": "'"$*"' host='"$OP_CONNECT_HOST"' token='"$OP_CONNECT_TOKEN$OP_SERVICE_ACCOUNT_TOKEN"'"}]}' ;;
"item get json") echo '{' ;;
"item get empty") ;;
"document get "*) printf 'text of %s\n' "$*" ;;
"read op://"*) echo " $* " ;;
*) echo "[ERROR] \"$3\" isn't an item in any vault." >&2; exit 1 ;;
esac
""",
    "bin/hiera": """#!/bin/sh
[ "$3" = fail ] && { echo out; echo err >&2; exit 2; }
echo " $# $* "
""",
    "bin/pass": """#!/bin/sh
case "$1" in
--version) echo '=  pass: the standard unix password manager  =' ;;
show) if [ -d "$PASSWORD_STORE_DIR/$2" ]; then echo "$2"; elif [ -f "$PASSWORD_STORE_DIR/$2.gpg" ]; then cat "$PASSWORD_STORE_DIR/$2.gpg"; elif [ "$2" = locked ]; then echo 'gpg: no' >&2; exit 2; else echo "Error: $2 is not in the password store." >&2; exit 1; fi ;;
insert) cat >"$PASSWORD_STORE_DIR/$4.gpg" ;;
esac
""",
}
VARS = {"playbook_dir": "@", "ansible_search_path": ["@"], "v": 7, "var_one": 1, "var_two": "{{ v }}!", "zvar": "z", "broken": "{{ nope }}", "lst": [1, [2, [3]]], "d1": {"a": {"b": [5]}},
        "mv1_a": {"x": 1, "d": {"p": 1}}, "mv1_b": {"x": 2, "d": {"q": 2}}, "mv2_a": [1, 2], "mv2_b": [2, "{{ v }}"], "mv3_a": "text", "mv4_a": {"k": {"l": 1}, "m": [1]}, "mv4_b": {"k": [2], "m": {"n": 1}},
        "mv5_a": {"p": {"q": 1}, "z": 1}, "mv5_b": {"p": {"q": 1}, "z": 2}}
EXPRESSIONS = r"""
lookup('file','f.txt')
lookup('file','nope.txt')
lookup('file','ws.txt')
lookup('file','ws.txt', rstrip=false)
lookup('file','ws.txt', lstrip=true)
lookup('file','f.txt','ws.txt')
lookup('file','f.txt',bad=1)
lookup('file','nope.txt', errors='ignore')
lookup('file','nope.txt', errors='warn')
lookup('file','nope.txt', errors='zz')
lookup('file','@/files/f.txt')
lookup('file')
lookup('nosuch')
lookup('fiel','x')
lookup('ansible.builtin.file','f.txt')
lookup('ansible.legacy.file','f.txt')
query('file','f.txt')
lookup('file','f.txt',wantlist=true)
lookup('template','t.j2')
lookup('template','nope.j2')
lookup('template','l.j2')
lookup('template','j.j2')
lookup('template','vs.j2',variable_start_string='[%',variable_end_string='%]')
lookup('template','vs.j2',variable_start_string='[%',variable_end_string='%]',comment_start_string='[#',comment_end_string='#]')
lookup('template','t.j2',template_vars={'v': 3})
lookup('template','nat.j2')
lookup('template','nat.j2',jinja2_native=true)
lookup('template','blk.j2')
lookup('template','blk.j2',trim_blocks=false)
lookup('template','blk.j2',lstrip_blocks=true)
lookup('template','t.j2','l.j2')
lookup('csvfile','ann file=users.tsv delimiter=TAB')
lookup('csvfile','ann file=users.csv delimiter=,')
lookup('csvfile','ann file=users.csv delimiter=, col=2')
lookup('csvfile','ann',file='users.csv',delimiter=',',col=2)
lookup('csvfile','zz file=users.csv delimiter=,')
lookup('csvfile','zz file=users.csv delimiter=, default=DD')
lookup('csvfile','zz',file='users.csv',delimiter=',',default='DD')
lookup('csvfile','2 file=users.csv delimiter=, keycol=1 col=0')
lookup('csvfile','short file=users.csv delimiter=,')
lookup('csvfile','bob')
lookup('csvfile','q q')
lookup('csvfile','"q q"')
lookup('csvfile','bob bad=1')
lookup('csvfile','bob col=x')
lookup('csvfile','bob encoding=latin-1')
lookup('csvfile','bob','ann')
lookup('csvfile','')
lookup('csvfile','file=users.csv')
lookup('csvfile','bob delimiter=ab')
lookup('ini','k section=s file=ok.ini')
lookup('ini','k',section='s',file='ok.ini')
lookup('ini','K2 section=s file=ok.ini')
lookup('ini','k2 section=s file=ok.ini')
lookup('ini','k2 section=s file=ok.ini case_sensitive=true')
lookup('ini','K2',section='s',file='ok.ini',case_sensitive=true)
lookup('ini','abc section=s file=ok.ini')
lookup('ini','abc',section='s',file='ok.ini',interpolation=false)
lookup('ini','empty section=s file=ok.ini')
lookup('ini','nope section=s file=ok.ini')
lookup('ini','nope section=s file=ok.ini default=DD')
lookup('ini','nope',section='s',file='ok.ini',default='D D')
lookup('ini','k section=zz file=ok.ini')
lookup('ini','g file=ok.ini')
lookup('ini','g')
lookup('ini','d section=s file=ok.ini')
query('ini','ab.* section=t file=ok.ini re=true')
lookup('ini','ab.*',section='t',file='ok.ini',re=true)
lookup('ini','a type=properties file=p.properties')
lookup('ini','b.c',type='properties',file='p.properties')
lookup('ini','a file=p.properties')
lookup('ini','nov file=c.ini')
lookup('ini','nov',file='c.ini',allow_no_value=true)
lookup('ini','nov',file='c.ini',allow_none=true)
lookup('ini','k section=s file=ok.ini bad=1')
lookup('ini','k','K2',section='s',file='ok.ini')
lookup('ini','int section=s file=c.ini')
lookup('ini','k section=s file=ok.ini encoding=utf-8')
query('first_found','nope','f.txt')
lookup('first_found',['nope','f.txt'])
lookup('first_found',['nope','Debian.yml'])
lookup('first_found',['nope','x.yml'])
lookup('first_found',['nope','t.j2'])
lookup('first_found',['nope'])
lookup('first_found',['nope'],skip=true)
query('first_found',['nope'],skip=true)
query('first_found',['nope'],errors='ignore')
lookup('first_found',{'files':['nope','f.txt'],'paths':['files','@/files']})
lookup('first_found',{'files':'nope,f.txt','paths':'@/sub:@/files'})
lookup('first_found',{'files':'nope;f.txt','paths':'@/files'})
lookup('first_found',files=['nope','f.txt'],paths=['@/files'])
lookup('first_found',{'files':['nope'],'skip':true})
query('first_found',{'files':['nope'],'skip':true},{'files':['f.txt'],'paths':['@/files']})
lookup('first_found','a b','f.txt')
lookup('first_found',5)
lookup('first_found','f.txt',paths=['@/sub'])
lookup('first_found','@/files/f.txt')
lookup('vars','v')
lookup('vars','var_two')
lookup('vars','nope',default='D')
lookup('vars','nope','v',default='D')
lookup('vars',5)
lookup('vars','var_'~'one')
query('varnames','^var_')
lookup('varnames','^var_')
lookup('varnames','nope')
lookup('varnames','(')
lookup('varnames',5)
lookup('varnames','(?<=_)one')
query('env','LK_ENV','LK_NO')
lookup('dict',{'a':1,'b':2})
query('dict',{'a':1},{'b':2})
lookup('dict','x')
lookup('dict',{})
lookup('dict')
query('items',[1,2],[3])
query('items',1,[2,[3]])
lookup('items',1)
query('list',[1,2],[3])
lookup('list',[1,2])
query('flattened',[1,[2,[3,none]]])
query('flattened',lst)
lookup('flattened',['a',['b']])
query('nested',[1,2],['a','b'])
query('nested',[1,2])
query('nested')
query('nested',[],[1])
lookup('nested',[1],['a'])
query('cartesian',[1,2],['a','b'])
query('cartesian',[1],[])
query('cartesian')
query('together',[1,2],['a'])
query('together')
query('together',[1],[2],[3,4])
query('indexed_items',['x','y'])
query('indexed_items','x')
query('indexed_items',['x'],['y'])
query('sequence','start=1 end=3')
query('sequence','5')
query('sequence','4-0/-2:h%02d')
query('sequence','start=0x0f00 count=4 format=%04x')
query('sequence',start=1,end=3)
query('sequence',count=2,format='n%x',start=10)
query('sequence','start=1 end=3',stride=2)
query('sequence','start=10 end=0 stride=-3')
query('sequence','start=1 end=3 format=%s')
query('sequence','start=1 end=3 format=a%db')
query('sequence','start=1 end=3 format=%d%d')
query('sequence','count=0')
query('sequence','count=5 start=10 stride=2')
query('sequence','count=5 end=3')
query('sequence','start=1')
query('sequence','end=x')
query('sequence','start=5 end=1')
query('sequence','start=1 end=5 stride=-1')
query('sequence','bad=5 end=3')
query('sequence','zz')
query('sequence','2-8/3')
query('sequence','end=3','end=2')
query('sequence','start=1 end=3 stride=0')
query('sequence','start=-3 end=3 stride=3')
query('sequence','0x10')
query('sequence','1-3:x%03d')
query('subelements',[{'n':'j','l':[1,2]},{'n':'k','l':[3]}],'l')
query('subelements',[{'n':'j','l':[1,2]},{'n':'k'}],'l')
query('subelements',[{'n':'j','l':[1,2]},{'n':'k'}],'l',{'skip_missing':true})
query('subelements',[{'n':'j','l':[1,2]},{'n':'k'}],'l',{'skip_missing':'yes'})
query('subelements',[{'n':'j','l':[1,2]},{'n':'k'}],'l',{'bad':true})
query('subelements',[{'n':'j','m':{'l':[1]}}],'m.l')
query('subelements',{'a':{'l':[1]},'b':{'l':[2]}},'l')
query('subelements',[{'l':5}],'l')
query('subelements',[{'l':5}],'l',{'skip_missing':true})
query('subelements',[5],'l')
query('subelements',[{'l':[1]}])
query('subelements',[{'l':[1]}],5)
query('subelements',[{'l':[1]}],'l','x')
query('subelements',[{'l':[1],'skipped':true},{'l':[2]}],'l')
lookup('pipe','echo hi')
lookup('pipe','printf "a\nb\n\n"')
lookup('pipe','exit 3')
lookup('pipe','nosuchcommand 2>/dev/null')
query('lines','printf "a\nb\n"')
query('lines','printf "a\n\nb"')
query('lines','true')
query('lines','exit 3')
lookup('lines','echo x')
lookup('unvault','f.txt')
lookup('unvault','nope.txt')
lookup('unvault','ws.txt')
lookup('password','/dev/null') | length
lookup('password','/dev/null length=5') | length
lookup('password','/dev/null length=5 chars=digits') is match('^\d{5}$')
lookup('password','/dev/null',length=5,chars=['digits']) is match('^\d{5}$')
lookup('password','/dev/null length=12 seed=abc')
lookup('password','/dev/null',length=12,seed='abc',chars=['ascii_letters','digits'])
lookup('password','/dev/null seed=host1')
lookup('password','/dev/null chars=abc,digits seed=1')
lookup('password','/dev/null',seed=1)
lookup('password','/dev/null chars=,,,a length=30') is match('^[,a]+$')
lookup('password','/dev/null chars=hexdigits length=100') is match('^[0-9a-fA-F]+$')
lookup('password','/dev/null encrypt=sha512_crypt') is match('^\$6\$')
lookup('password','/dev/null encrypt=md5_crypt') is match('^\$1\$')
lookup('password','/dev/null encrypt=bcrypt') is match('^\$2')
lookup('password','files/pw.plain')
lookup('password','files/pw.ident')
lookup('password','@/files/pw.plain length=3')
lookup('password','/dev/null bad=1')
lookup('password','/dev/null length=x')
lookup('password','/dev/null length=0')
lookup('password','/dev/null',length='x')
lookup('password')
lookup('community.general.random_string',length=0)
lookup('community.general.random_string',length=5,upper=false,special=false,numbers=false) is match('^[a-z]{5}$')
lookup('community.general.random_string',length=4,override_all='a')
lookup('community.general.random_string',length=4,override_all='a',base64=true)
lookup('community.general.random_string',length=3,upper=false,lower=false,special=false,numbers=false)
lookup('community.general.random_string',length=4,override_special='-',upper=false,lower=false,numbers=false)
lookup('community.general.dependent', {'a':'[1,2]'})
lookup('community.general.dependent', {'a':[1]}, {'b': {'x': 1, 'y': 2}})
lookup('ansible.utils.to_paths', {'a':{'b':[1]}})
lookup('ansible.utils.get_path', {'a':{'b':[1]}}, 'a.b')
lookup('ansible.utils.index_of', [1,2], 'eq', 2)
query('nested',[1,[2,[3,[4]]]],[5,[6,[7]]],[8,[9,[10]]])
query('nested',{'a':1},'bc',(1,2))
query('nested','abc')
query('nested',['abc',{'a':1},[1,[2,[3]]]])
query('nested',0,[1])
query('together','ab',{'x':1,'y':2})
query('together',5,[1])
query('together',none,[1,[2,[3]]])
query('cartesian',none,'ab',{'x':1},[1,[2,[3]]])
lookup('vars','broken',default='D')
lookup('vars','broken',default=none)
lookup('vars','nope',default=none)
lookup('vars','nope',errors='ignore')
lookup('env','NOPE_X',default=none)
lookup('env','NOPE_X',default=undef(),errors='ignore')
query('lines','printf " x \n y\n"')
lookup('ansible.builtin.password','/dev/null',length='x')
lookup('ansible.builtin.ini','k',file='ok.ini',type='x')
lookup('community.general.random_string',length='x')
lookup('ini','k',file='ok.ini',type='x',errors='ignore')
lookup('env','NOPE_X')
lookup('env','NOPE_X',default='d')
lookup('env','NOPE_X',default=undef())
lookup('env',5)
lookup('env',none)
lookup('env',['PASSWORD_STORE_DIR'])
query('env','NOPE_X','NOPE_Y')
lookup('vars','nope')
lookup('vars','nope',default='')
lookup('vars','var_one','var_two')
query('vars','var_one','nope',default=3)
query('varnames','^var_','^zv')
lookup('dict',{'a':1})
lookup('dict',[1])
query('dict',{})
query('dict',{'b':1,'a':{'c':2}},{'z':3})
query('list',[1,[2]])
query('list')
query('items',[1,[2,[3]]],4)
query('items','x')
query('items',none)
query('flattened','x')
query('community.general.flattened',[1,['a,b']])
query('community.general.cartesian',[1,2],['a'])
query('community.general.cartesian',[1,2],[])
query('community.general.cartesian','ab',['x'])
query('community.general.cartesian')
query('community.general.cartesian',5)
query('community.general.dependent',[{'a':[1,2]},{'b':'[item.a, 5]'}])
query('community.general.dependent',{'a':[1,2]},{'b':'[item.a, 5]'})
query('community.general.dependent',{'a':'[1,2]'},{'b':'{\"k\": item.a}'})
query('community.general.dependent',{'a':5})
query('community.general.dependent',{'a':[1],'b':[2]})
query('community.general.dependent',{'a':'nope'})
query('community.general.dependent','x')
query('community.general.dependent')
query('nested',[1,2],['a','b'],[true])
query('nested',[1],[])
query('nested','ab',['x'])
query('nested',[nope],['a'])
query('together',[1])
query('together',5,6)
query('indexed_items',['a','b'])
query('indexed_items',{'a':1})
query('indexed_items',5)
query('indexed_items',['a',['b','c']])
query('subelements',[{'u':'a','k':[1,2]},{'u':'b','k':[3]}],'k')
query('subelements',[{'u':'a','k':[1]},{'u':'b'}],'k')
query('subelements',[{'u':'a','k':[1]},{'u':'b'}],'k',{'skip_missing':true})
query('subelements',[{'u':'a','k':[1]},{'u':'b'}],'k',{'skip_missing':'maybe'})
query('subelements',[{'u':'a','k':[1]}],'k',{'bad':true})
query('subelements',[{'u':'a','k':{'l':[4]}}],'k.l')
query('subelements',{'x':{'k':[1]}},'k')
query('subelements',[{'k':5}],'k')
query('subelements','x','k')
query('subelements',[1],'k')
query('subelements',[{'k':[1]}])
query('subelements',[{'k':[1]}],5)
query('sequence','0-4/2')
query('sequence','5-1')
query('sequence','5-1/-2')
query('sequence','1-3:host%02d')
query('sequence','start=1 end=3 stride=2 format=x%d')
query('sequence','start=1 count=3')
query('sequence','start=0 count=4 stride=3')
query('sequence','start=4')
query('sequence','start=a end=3')
query('sequence','start=1 end=3 count=2')
query('sequence','start=1 end=3 stride=-1')
query('sequence','end=3 format=%s')
query('sequence','end=3 format=x')
query('sequence','end=3 format=%d%d')
query('sequence','end=3 format=%05x')
query('sequence','bad=1')
query('sequence','')
query('sequence',count=2,format='a%d')
query('sequence',end='x')
query('sequence','3','4')
query('sequence',5)
query('random_choice',['only'])
query('random_choice',[])
query('random_choice')
query('lines','printf "a\\nb\\n"')
lookup('pipe','printf "a\\n\\n"')
lookup('pipe','true')
lookup('pipe','nosuchcommand_x 2>/dev/null')
query('pipe','echo a','echo b')
lookup('pipe',5)
lookup('unvault','@/files/f.txt')
lookup('unvault',5)
lookup('fileglob','*.conf')
query('fileglob','g*.conf')
query('fileglob','@/files/g?.conf')
query('fileglob','@/f*/g?.conf')
query('fileglob','f*/g1.conf')
query('fileglob','nope*')
query('fileglob','nodir/*')
query('fileglob','@/sub/*')
query('fileglob','@/sub/d/[ab]')
query('fileglob','g1.conf','g2.conf')
query('fileglob','')
query('fileglob',5)
query('fileglob',['g1.conf'])
query('first_found',['nope','f.txt'])
query('first_found','nope,files/f.txt')
query('first_found',{'files':'nope,f.txt','paths':'files'})
query('first_found',{'files':['nope','f.txt'],'paths':['files','sub']})
query('first_found',{'files':'nope;f.txt','paths':'files'})
query('first_found',{'files':'nope'})
query('first_found',{'files':'nope','skip':true})
query('first_found','nope',skip=true)
query('first_found','nope',skip='maybe')
query('first_found',files=['f.txt'],paths=['files'])
query('first_found',files='f.txt',paths='sub:files')
query('first_found',['nope'],paths=['files'])
query('first_found',[{'files':'a','paths':'sub'},{'files':'f.txt'}])
query('first_found','nope',errors='ignore')
lookup('first_found','nope',errors='ignore')
query('first_found',5)
query('first_found',[5,'f.txt'])
query('first_found')
query('first_found',[])
query('first_found',[['nope',['files/f.txt']]])
lookup('password','/dev/null length=3 chars=a')
lookup('password','/dev/null length=3 chars=a', length=4)
lookup('password','/dev/null',length=3,chars=['b'])
lookup('password','/dev/null encrypt=nope chars=a')
lookup('password','/dev/null chars=digits,ascii_letters length=8 seed=s')
lookup('password','/dev/null length=8 seed=5 chars=.,,:')
lookup('password','')
lookup('password',5)
lookup('password','files/pw.plain','files/pw.plain')
lookup('password','files/pw.salt encrypt=sha512_crypt')
lookup('password','files/pw.salt',encrypt='md5_crypt')
lookup('password','files/pw.ident encrypt=bcrypt')
lookup('config','NOPE')
lookup('config','NOPE',on_missing='skip')
lookup('config','NOPE',on_missing='bad')
lookup('config',5)
lookup('config','a.b')
lookup('config','remote_user',plugin_type='connection')
lookup('config','remote_user',plugin_type='nope',plugin_name='ssh')
lookup('config','nope',plugin_type='connection',plugin_name='ssh')
lookup('template','t.j2',convert_data=false)
lookup('template','t.j2',template_vars=5)
lookup('template',5)
lookup('template','undef.j2')
lookup('template','syn.j2')
lookup('file',5)
lookup('file',['f.txt'])
lookup('file','')
lookup('file','sub')
lookup('file','../sub/a')
lookup('file','f.txt',rstrip='maybe')
lookup('csvfile','ann',file='users.csv',delimiter=',',keycol=5)
lookup('csvfile','ann',file='nope.csv')
lookup('csvfile','ann',file='users.csv',delimiter=',',col='x')
lookup('csvfile','ann',file='users.csv',delimiter=',',col=9)
query('csvfile','zz',file='users.csv',delimiter=',')
lookup('csvfile',5,file='users.csv',delimiter=',')
lookup('csvfile',file='users.csv')
lookup('ini','k',section='s',file='nope.ini')
lookup('ini','k',file='p.properties',type='properties')
lookup('ini','b.c',file='p.properties',type='properties')
lookup('ini','a',file='p.properties',type='bad')
lookup('ini','(',section='t',file='ok.ini',re=true)
lookup('ini','k',section='s',file='ok.ini',allow_no_value=true)
lookup('ini','k',section='s',file='c.ini')
lookup('ini',5,section='s',file='ok.ini')
query('ini','nope',section='s',file='ok.ini')
query('ini','k','K2',section='s',file='ok.ini')
lookup('ini','k',section='s',file='ok.ini',encoding='nope')
lookup('url','http://127.0.0.1:1/x')
lookup('url','nope')
lookup('url','http://127.0.0.1:1/x',timeout='x')
lookup('url','http://127.0.0.1:1/x',split_lines='x')
lookup('url')
lookup('community.general.merge_variables','^var_o')
lookup('community.general.merge_variables','one',pattern_type='suffix')
lookup('community.general.merge_variables','nomatch',pattern_type='prefix')
lookup('community.general.merge_variables','mv1',pattern_type='prefix')
lookup('community.general.merge_variables','mv1',pattern_type='prefix',initial_value={'z':0})
lookup('community.general.merge_variables','mv1',pattern_type='prefix',override='error')
lookup('community.general.merge_variables','mv1',pattern_type='prefix',override='warn')
lookup('community.general.merge_variables','mv1',pattern_type='prefix',override='bad')
lookup('community.general.merge_variables','mv1',pattern_type='bad')
lookup('community.general.merge_variables','mv2',pattern_type='prefix')
lookup('community.general.merge_variables','mv3',pattern_type='prefix')
lookup('community.general.merge_variables','mv',pattern_type='prefix')
lookup('community.general.merge_variables','mv2',pattern_type='prefix',initial_value=['i'])
lookup('community.general.merge_variables','mv1',pattern_type='prefix',dict_merge='override')
lookup('community.general.merge_variables','mv1',pattern_type='prefix',dict_merge='keep_first')
lookup('community.general.merge_variables','mv2',pattern_type='prefix',list_merge='merge')
lookup('community.general.merge_variables','mv',pattern_type='prefix',type_conflict_merge='override')
lookup('community.general.merge_variables','mv3',pattern_type='prefix',default_merge='last')
lookup('community.general.merge_variables','mv2',pattern_type='prefix',list_transformations=['unique'])
lookup('community.general.random_string',length=3,override_special='a',upper=false,lower=false,numbers=false)
lookup('community.general.random_string',length=4,override_all='z')
lookup('community.general.random_string',length=4,override_all='z',base64=true)
lookup('community.general.random_string',upper=false,lower=false,numbers=false,special=false)
lookup('ansible.utils.get_path',d1,'a.b[0]')
lookup('ansible.utils.get_path',d1,'zz')
lookup('ansible.utils.to_paths',d1)
lookup('ansible.utils.index_of',[1,2,3],'eq',2)
lookup('ansible.utils.index_of',[1,2,3],'eq',9)
lookup('ansible.utils.index_of',[{'k':1}],'eq',1,'k')
lookup('community.general.filetree','@/sub') | map(attribute='path') | sort
query('community.general.filetree','sub') | map(attribute='path') | sort
query('community.general.filetree','nope')
query('community.general.filetree','sub') | map(attribute='state') | sort
lookup('nope.nope.nope','x')
lookup(5)
lookup('file','f.txt','f.txt',wantlist=false)
lookup('items',[1],[2],wantlist=true)
query('file','nope.txt',errors='ignore')
query('file','nope.txt',errors='warn')
lookup('pipe','exit 1',errors='ignore')
lookup('pipe','exit 1',errors='warn')
lookup('dict',[1],errors='ignore')
query('community.general.passwordstore', 'a/b')
query('community.general.passwordstore', 'a/b subkey=user')
query('community.general.passwordstore', 'a/b', subkey='port')
query('community.general.passwordstore', 'a/b', subkey='no')
query('community.general.passwordstore', 'a/b', returnall=true)
query('community.general.passwordstore', 'plain', returnall=true)
query('community.general.passwordstore', 'zz')
query('community.general.passwordstore', 'zz', missing='empty')
query('community.general.passwordstore', 'zz', missing='warn')
query('community.general.passwordstore', 'zz missing=empty')
query('community.general.passwordstore', 'a/b missing=x')
query('community.general.passwordstore', 'a/b', missing='x')
query('community.general.passwordstore', 'a/b length=x')
query('community.general.passwordstore', 'a')
query('community.general.passwordstore', 'a/b', umask='8888')
query('community.general.passwordstore', 'a/b', umask='777')
query('community.general.passwordstore', 'a/b foo')
query('community.general.passwordstore', 'a/b foo=1')
query('community.general.passwordstore', 'a/b', locktimeout='1')
query('community.general.passwordstore', 'a/b', lock='readwrite')
query('community.general.passwordstore', 'a/b', lock='no')
query('community.general.passwordstore', 'a/b', directory='/nope')
query('community.general.passwordstore', 'a/b', directory='@/store')
query('community.general.passwordstore', 'odd', subkey='url')
query('community.general.passwordstore', 'odd', subkey='key')
query('community.general.passwordstore', 'locked')
query('community.general.passwordstore', 'a/b', backend='gopas')
query('community.general.passwordstore', 'a/b', 'plain')
query('community.general.passwordstore', 'new1', create=true, userpass='given')
query('community.general.passwordstore', 'a/b', create='x')
query('community.general.passwordstore', 'a/b', length='x')
query('community.general.passwordstore', 'plain', overwrite=true, userpass='two')
query('community.general.passwordstore', 'plain')
query('community.general.passwordstore')
lookup('community.general.passwordstore', 'zz', missing='empty')
lookup('community.general.passwordstore', 'zz', errors='ignore')
query('passwordstore', 'a/b')
query('community.general.lastpass', 'k1', 'k2')
query('community.general.lastpass', 'k1', field='username')
query('community.general.lastpass', 'k1', field='own')
query('community.general.lastpass', 'gone')
query('community.general.bitwarden', 'a')
query('community.general.bitwarden', 'a', field='password')
query('community.general.bitwarden', 'a', field='extra')
query('community.general.bitwarden', 'a', field='id')
query('community.general.bitwarden', 'a', field='no')
query('community.general.bitwarden', 'ab', field='username')
query('community.general.bitwarden', '1', search='id', field='password')
query('community.general.bitwarden', '9', search='id')
query('community.general.bitwarden', 'zz', field='password')
lookup('community.general.bitwarden', 'a', field='password')
query('community.general.bitwarden', 'a', field='password', collection_id='c1')
lookup('community.general.merge_variables','mv2',pattern_type='prefix',list_transformations=['dedup'])
lookup('community.general.merge_variables','mv2',pattern_type='prefix',list_transformations=[{'name':'dedup','options':{'keep':'last'}}, 'flatten'])
lookup('community.general.merge_variables','mv2',pattern_type='prefix',list_transformations=[{'name':'dedup','options':{'keep':'x'}}])
lookup('community.general.merge_variables','mv2',pattern_type='prefix',list_transformations=[5])
lookup('community.general.merge_variables','mv1',pattern_type='prefix',override='ignore',default_merge='keep')
lookup('community.general.merge_variables','mv1',pattern_type='prefix',override='ignore',dict_merge='keep')
lookup('community.general.merge_variables','mv1',pattern_type='prefix',override='ignore',dict_merge='replace')
lookup('community.general.merge_variables','mv1',pattern_type='prefix',override='ignore',dict_merge='shallow')
lookup('community.general.merge_variables','mv2',pattern_type='prefix',list_merge='prepend')
lookup('community.general.merge_variables','mv2',pattern_type='prefix',list_merge='keep')
lookup('community.general.merge_variables','mv2',pattern_type='prefix',list_merge='merge',override='ignore')
lookup('community.general.merge_variables','mv4',pattern_type='prefix',override='ignore')
lookup('community.general.merge_variables','mv4',pattern_type='prefix',override='ignore',type_conflict_merge='keep')
lookup('community.general.merge_variables','mv4',pattern_type='prefix')
lookup('community.general.merge_variables','mv5',pattern_type='prefix')
lookup('community.general.merge_variables','mv2',pattern_type='prefix',initial_value='x')
lookup('community.general.merge_variables',5)
query('fileglob','@/glob/*') | sort
query('fileglob','@/glob/.*')
query('fileglob','@/glob/[!a]*')
query('fileglob','@/glob/[a]*') | sort
query('fileglob','@/glob/a[')
query('fileglob','@/glob/?')
'@/glob/*' | fileglob | sort
'@/gl?b/[ab]' | fileglob | sort
'@/glob/.h*' | fileglob
'@/glob/**' | fileglob | sort
lookup('template','l.j2',convert_data=false)
lookup('ansible.builtin.template','l.j2',convert_data=False)
lookup('template','l.j2',convert_data=false) ~ ''
lookup('community.general.onepassword','login')
lookup('onepassword','login')
lookup('community.general.onepassword','login',field='username')
lookup('community.general.onepassword','login',field='USERNAME')
lookup('community.general.onepassword','login',field='Password')
lookup('community.general.onepassword','login',field='extra')
lookup('community.general.onepassword','login',field='Extra')
lookup('community.general.onepassword','login',field='Extra',section='Sec One')
lookup('community.general.onepassword','login',field='extra',section='sec one')
lookup('community.general.onepassword','login',field='Extra',section='s2')
lookup('community.general.onepassword','login',field='Extra',section='s1')
lookup('community.general.onepassword','login',field='Extra',section='')
lookup('community.general.onepassword','login',field='notes')
lookup('community.general.onepassword','login',field='label')
lookup('community.general.onepassword','login',field='zz')
lookup('community.general.onepassword','login',section='zz')
lookup('community.general.onepassword','password only')
lookup('community.general.onepassword','password only','login')
query('community.general.onepassword','password only','login')
lookup('community.general.onepassword','gone')
lookup('community.general.onepassword','gone',errors='ignore')
lookup('community.general.onepassword','args')
lookup('community.general.onepassword','args',vault='V 1')
lookup('community.general.onepassword','args',account_id='acc')
lookup('community.general.onepassword','args',account_id='out',subdomain='s',username='u',secret_key='sk',master_password='mp')
lookup('community.general.onepassword','args',subdomain='out',username='u',secret_key='sk',master_password='mp')
lookup('community.general.onepassword','args',subdomain='out',username='u',secret_key='sk',vault_password='mp')
lookup('community.general.onepassword','args',subdomain='out',username='u',secret_key='sk',master_password='bad')
lookup('community.general.onepassword','args',subdomain='nobody',domain='d.e',username='u',secret_key='sk',master_password='mp')
lookup('community.general.onepassword','args',subdomain='out',username='u',secret_key='sk')
lookup('community.general.onepassword','args',subdomain='broken')
lookup('community.general.onepassword','args',service_account_token='svc')
lookup('community.general.onepassword','args',service_account_token='svc',vault='v')
lookup('community.general.onepassword','args',service_account_token='bad',vault='v')
lookup('community.general.onepassword','args',connect_host='h',connect_token='t')
lookup('community.general.onepassword','args',connect_host='h',connect_token='t',vault='v')
lookup('community.general.onepassword','args',connect_host='h')
lookup('community.general.onepassword','op://v/i/f')
lookup('community.general.onepassword','op://v/i/s/f')
lookup('community.general.onepassword','op://v/i')
lookup('community.general.onepassword','op://')
lookup('community.general.onepassword','json')
lookup('community.general.onepassword','empty')
lookup('community.general.onepassword')
lookup('community.general.onepassword_raw','password only')
lookup('community.general.onepassword_raw','gone')
lookup('community.general.onepassword_raw','empty')
query('community.general.onepassword_raw','password only','key')
lookup('community.general.hiera','foo')
lookup('community.general.hiera','foo environment=production')
lookup('community.general.hiera','foo',executable='@/bin/hiera')
lookup('community.general.hiera','foo environment=production','bar',executable='@/bin/hiera',config_file='/x/y.yaml')
lookup('community.general.hiera','fail',executable='@/bin/hiera')
lookup('community.general.hiera','"a b" c',executable='@/bin/hiera')
lookup('community.general.hiera',executable='@/bin/hiera')
lookup('community.general.collection_version','nosuch.collection')
lookup('community.general.collection_version','nosuch.collection',result_not_found='none')
lookup('community.general.collection_version','nosuch')
lookup('community.general.collection_version','a.b.c')
lookup('community.general.collection_version','test.manifest')
lookup('community.general.collection_version','test.galaxy')
lookup('community.general.collection_version','test.plain')
lookup('community.general.collection_version','test.plain',result_no_version='?')
lookup('community.general.collection_version','test.nover',result_no_version='?')
lookup('community.general.collection_version','test.bad')
lookup('community.general.collection_version','test.manifest','test.galaxy')
lookup('community.general.collection_version',5)
lookup('community.general.onepassword_doc','Private key')
lookup('community.general.onepassword_doc','Private key',vault='v')
lookup('community.general.onepassword_ssh_key','key')
lookup('community.general.onepassword_ssh_key','key',ssh_format=true)
lookup('community.general.onepassword_ssh_key','login')
lookup('community.general.onepassword_ssh_key','nokey')
"""


def trust(v):
    if not CURRENT:
        return v
    from ansible._internal._datatag._tags import TrustedAsTemplate

    if isinstance(v, str):
        return TrustedAsTemplate().tag(v)
    if isinstance(v, list):
        return [trust(x) for x in v]
    if isinstance(v, dict):
        return {k: trust(x) for k, x in v.items()}
    return v


def plain(v):
    """Makes JSON of a result."""
    if isinstance(v, dict):
        return {str(k): plain(x) for k, x in v.items()}
    if isinstance(v, (list, tuple)):
        return [plain(x) for x in v]
    if v is None or isinstance(v, (bool, int, float)):
        return v
    return str(v)


def kind(v):
    for t, n in ((bool, "bool"), (int, "int"), (float, "float"), (str, "str"), (list, "list"), (tuple, "tuple"), (dict, "dict")):
        if isinstance(v, t):
            return n
    return type(v).__name__


def main():
    path = os.path.join(HERE, "lookups-%s.jsonl" % ("current" if CURRENT else "2.14"))
    notes = {}
    if os.path.exists(path):
        with open(path) as f:
            for line in f:
                case = json.loads(line)
                if "diverges" in case:
                    notes[case["template"]] = case["diverges"]
    with FOLDER as folder:
        for name, text in FILES.items():
            os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
            with open(os.path.join(folder, name), "w") as f:
                f.write(text)
        for name, text in PROGRAMS.items():
            os.makedirs(os.path.join(folder, "bin"), exist_ok=True)
            with open(os.path.join(folder, name), "w") as f:
                f.write(text)
            os.chmod(f.name, 0o755)
        os.environ["PATH"] = os.path.join(folder, "bin") + ":" + os.environ["PATH"]
        os.environ["HOME"] = folder
        os.environ["PASSWORD_STORE_DIR"] = os.path.join(folder, "store")
        os.chdir(folder)
        variables = json.loads(json.dumps(VARS).replace("@", folder))
        lines = [{"recorded_with": "ansible-core " + ansible.release.__version__, "files": FILES, "programs": PROGRAMS, "vars": VARS}]
        for expression in EXPRESSIONS.strip("\n").split("\n"):
            template = "{{ " + expression + " }}"
            loader = DataLoader()
            loader.set_basedir(folder)
            try:
                v = Templar(loader=loader, variables=trust(variables)).template(trust(template.replace("@", folder)), escape_backslashes=False)
                if isinstance(v, bytes):  # tasks get them as text
                    v = v.decode()
                case = {"output": plain(v), "type": kind(v)}
            except Exception as e:
                case = {"error": type(e).__name__, "message": str(e)}
            case = json.loads(json.dumps(dict(template=template, **case)).replace(folder, "@"))
            if template in notes:
                case["diverges"] = notes[template]
            lines.append(case)
    with open(path, "w") as f:
        for line in lines:
            f.write(json.dumps(line) + "\n")


main()
