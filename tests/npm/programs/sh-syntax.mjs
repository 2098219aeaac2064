import { parse, print } from 'sh-syntax';
import { observe } from '../observe.mjs';

const script = `#!/bin/bash
if [ -f "$x" ];then echo \${y:-a b}|tr a b&&foo  >/dev/null 2>&1 ; fi # c
case $1 in a|b) cat <<-E
\t$z \`ls -l\`
E
;; *) ((i++)); [[ $a =~ ^x+$ && ! -e b ]] ;;esac
for((i=0;i<3;i++));do arr+=([k]=v "\${m[@]/#/p}");done; f(){ local -r q=$'\\n'; return $((1<<2)); }; while read -r l;do :;done< <(g)&`;
for (const options of [{}, { indent: 2, spaceRedirects: true, binaryNextLine: true, switchCaseIndent: true }, { minify: true }, { useTabs: false, keepPadding: true, functionNextLine: true }])
  observe(JSON.stringify(options), await print(script, options).catch((e) => e.message));
observe('tree', await parse(script, { keepComments: true }).catch((e) => e.message));
for (const bad of ['if x; then', 'echo "', 'a | | b', '$((1+)']) observe(`bad ${bad}`, await print(bad).catch((e) => [e.name, e.message]));
