#!/bin/sh
echo nothing here
echo to stderr >&2
exit 3
