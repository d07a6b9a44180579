#!/bin/sh
. "$1"
echo "{\"changed\": true, \"name\": \"$name\", \"n\": \"$n\", \"flag\": \"$flag\", \"check\": \"$_ansible_check_mode\"}"
