#!/bin/sh
# nginx as an app: nginx.sh FOLDER LISTEN, where LISTEN is what its `listen` takes. Each process has its own folder
# below FOLDER, with its configuration and the files that it serves and takes.
set -eu
folder=$1/nginx-$$
mkdir -p "$folder/files"
head -c 100000 /dev/zero | tr '\0' x >"$folder/files/page.txt"
sed -e "s|@LISTEN@|$2|" -e "s|@VERSION@|${VERSION:-v1}|" "$(dirname "$0")/nginx.conf" >"$folder/nginx.conf"
exec /usr/sbin/nginx -p "$folder" -c nginx.conf -e stderr
