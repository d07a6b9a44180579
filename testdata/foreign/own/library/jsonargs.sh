#!/bin/sh
args=$(cat <<'END'
<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>
END
)
case $args in
*'"mine"'*'"deep"'*) echo '{"changed": true, "seen": true}' ;;
*) echo '{"failed": true, "msg": "no arguments"}' ;;
esac
