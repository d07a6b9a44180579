# The same work as plain.yml, as a person would write it.
set -e
for i in $(seq 1 40); do /bin/true "$i"; done
for i in $(seq 1 40); do
  want=$(printf 'entry %s\nx' "$i") file=/tmp/bench/copy$i
  [ "$(cat "$file" 2>/dev/null && echo x)" = "$want" ] || { printf '%s' "${want%x}" >"$file.new"; mv "$file.new" "$file"; }
  [ "$(stat -c %a "$file")" = 644 ] || chmod 0644 "$file"
done
for i in $(seq 1 40); do
  mkdir -p "/tmp/bench/dir$i"
  [ "$(stat -c %a "/tmp/bench/dir$i")" = 750 ] || chmod 0750 "/tmp/bench/dir$i"
done
for i in $(seq 1 40); do stat "/tmp/bench/copy$i" >/dev/null; done
touch /tmp/bench/lines
for i in $(seq 1 40); do grep -qx "line $i" /tmp/bench/lines || echo "line $i" >>/tmp/bench/lines; done
