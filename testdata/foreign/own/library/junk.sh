#!/bin/sh
echo "{\"changed\": false}"
echo trailing junk
