#!/bin/sh
echo "{\"changed\": false, \"fruit\": \"$FRUIT\"}"
