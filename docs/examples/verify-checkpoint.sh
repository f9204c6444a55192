#!/bin/sh
# Checks a copy of an audit log against a checkpoint with the public key alone: no hasp, no vault, no secret.
#
#   hasp audit checkpoint --public-key > vault.pem    once, on the machine with the vault, kept elsewhere
#   sh verify-checkpoint.sh audit.jsonl CHECKPOINT vault.pem
#
# Needs openssl (3, or 1.1.1) and sha256sum. Made from docs/formats/checkpoint.md; the numbers are its conditions.
# Exit status: 0 the log goes on from the checkpoint, 1 it does not, 2 it could not be checked.
set -u
LC_ALL=C
export LC_ALL
umask 077

cannot() { echo "cannot check: $1" >&2; exit 2; }
wrong() { echo "WRONG: $1" >&2; exit 1; }

[ $# -eq 3 ] || cannot "usage: verify-checkpoint.sh LOG CHECKPOINT PUBLIC-KEY.pem"
log=$1 note=$2 key=$3
for tool in openssl sha256sum; do command -v "$tool" >/dev/null || cannot "$tool is not installed"; done
for file in "$log" "$note" "$key"; do
  [ -f "$file" ] && [ -r "$file" ] || cannot "$file is not a file that can be read"
done
case $log in /*) ;; *) log=./$log ;; esac
case $note in /*) ;; *) note=./$note ;; esac
case $key in /*) ;; *) key=./$key ;; esac

work=$(mktemp -d) || cannot "no folder for temporary files"
trap 'rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM

hex() { sha256sum <"$1" | cut -c1-64; }
openssl pkey -pubin -in "$key" -outform DER 2>/dev/null >"$work/der" || cannot "$key is not a public key"
case $(head -c 12 "$work/der" | openssl base64) in
  MCowBQYDK2VwAyEA) ;; # SubjectPublicKeyInfo of Ed25519, RFC 8410
  *) cannot "$key is not an Ed25519 key" ;;
esac

# 1. The last empty line divides text and signatures.
[ -z "$(tail -c +65537 "$note" | head -c 1 | openssl base64)" ] || cannot "$note is too long for a checkpoint"
[ "$(tail -c 1 "$note" | openssl base64)" = Cg== ] || cannot "$note is not a checkpoint"
empty=$(sed -n '/^$/=' "$note" | tail -n 1)
[ -n "$empty" ] && [ "$empty" -gt 6 ] || cannot "$note is not a checkpoint"
head -n $((empty - 1)) "$note" >"$work/text"
tail -n +$((empty + 1)) "$note" >"$work/signatures"

# 2. The six lines.
part() { sed -n "$1p" "$work/text"; }
digits() { case $1 in '' | 0* | *[!0-9]* | ????????????????*) return 1 ;; esac; }
chain=$(part 1) size=$(part 2) hash=$(part 3) seq=$(part 4) mac=$(part 5) time=$(part 6)
case $chain in hasp.audit/*) chain=${chain#hasp.audit/} ;; *) cannot "$note is not a checkpoint of an audit log" ;; esac
case $chain in *[!0-9a-f]*) cannot "$note names no chain" ;; esac
[ ${#chain} -eq 32 ] || cannot "$note names no chain"
case $seq in 'seq '*) seq=${seq#seq } ;; *) cannot "$note has no line seq" ;; esac
case $mac in 'mac '*) mac=${mac#mac } ;; *) cannot "$note has no line mac" ;; esac
case $time in 'time '*) time=${time#time } ;; *) cannot "$note has no line time" ;; esac
digits "$size" && digits "$seq" && [ ${#hash} -eq 44 ] && [ ${#mac} -eq 64 ] || cannot "$note is not a checkpoint"
case $mac in *[!0-9a-f]*) cannot "$note is not a checkpoint" ;; esac

# 3. The first signature with the key's name and id decides.
signed=no
while IFS=' ' read -r dash name base64 rest; do
  [ "$dash" = "$(printf '\342\200\224')" ] && [ -n "$base64" ] && [ -z "$rest" ] || cannot "$note has a bad signature line"
  [ "$signed" = no ] || continue
  case $name in hasp.vault/*) ;; *) continue ;; esac
  printf '%s\n' "$base64" | openssl base64 -d -A >"$work/blob" 2>/dev/null || continue
  { printf '%s\n\001' "$name"; tail -c 32 "$work/der"; } | openssl dgst -sha256 -binary | head -c 4 >"$work/id"
  head -c 4 "$work/blob" >"$work/claimed"
  [ "$(hex "$work/id")" = "$(hex "$work/claimed")" ] || continue
  tail -c +5 "$work/blob" >"$work/signature"
  if openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in "$work/text" -sigfile "$work/signature" >/dev/null 2>&1; then
    signed=yes
  else
    signed=wrong
  fi
done <"$work/signatures"
[ "$signed" != no ] || wrong "signature: the checkpoint is not signed with this key"
[ "$signed" = yes ] || wrong "signature: the checkpoint was changed after it had been signed"
echo "signature: good, of $time"

# 4. The chain is the one that the log's first record names.
case $(head -n 1 "$log" | head -c 65536) in
  '{"v":1,"seq":1,'*"\"chain\":\"$chain\""*) ;;
  *) wrong "chain: the log is not of chain $chain" ;;
esac

# 5. Size. The byte at that place is the end of a line.
[ -n "$(tail -c "+$size" "$log" | head -c 1 | openssl base64)" ] || wrong "size: the log ends before byte $size: it was cut or put back"
echo "size: the log has the $size bytes"

# 6. Hash, as bytes on both sides.
head -c "$size" "$log" | openssl dgst -sha256 -binary >"$work/found"
printf '%s\n' "$hash" | openssl base64 -d -A >"$work/wanted" 2>/dev/null
[ "$(hex "$work/found")" = "$(hex "$work/wanted")" ] || wrong "hash: the first $size bytes of the log are not those that were signed"
echo "hash: the first $size bytes are those that were signed"

# 7. They end with the record that is named.
[ "$(tail -c "+$size" "$log" | head -c 1 | openssl base64)" = Cg== ] || wrong "record: no record ends at byte $size"
case $(head -c "$size" "$log" | tail -n 1) in
  "{\"v\":1,\"seq\":$seq,"*",\"mac\":\"$mac\"}") ;;
  *) wrong "record: record $seq does not end at byte $size" ;;
esac
if [ -n "$(tail -c "+$((size + 1))" "$log" | head -c 1 | openssl base64)" ]; then
  echo "OK: the log goes on from record $seq; what follows it only the vault can verify"
else
  echo "OK: the log ends with record $seq"
fi
