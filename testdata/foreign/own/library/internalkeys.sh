#!/bin/sh
echo "{\"changed\": false, \"_ansible_evil\": 1, \"results\": 5, \"add_host\": {}, \"msg\": \"{{ 1+1 }}\"}"
