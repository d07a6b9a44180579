#!/bin/sh
# WANT_JSON
echo 'the driver says hello'
printf '{"changed": false, "given": '
sed 's/, *"_ansible_[a-z_]*".*/}/; s/,"_ansible_check_mode".*/}/' "$1"
echo '}'
