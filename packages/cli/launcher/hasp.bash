#!/usr/bin/env -S -u LC_ALL __HASP_LC_ALL=${LC_ALL} bash -p
# The launcher where there is no compiler: scripts/build.mjs makes packages/cli/bin/hasp of hasp.c, or else of this.
#
# Starts Node on ../dist/hasp.cjs so that nothing in the environment acts on hasp and nothing is
# lost for the command it runs. Node obeys NODE_OPTIONS before the first line of any program,
# resets ignored signals, raises the descriptor limit; so the facts are taken here and handed over.
#
#   bash -p   takes no BASH_ENV, ENV, functions or options from the environment.
#   env -S    bash would complain on stderr about an LC_ALL that this machine does not know.
#
# Builtins only: no process is started here unless hasp is called through an unknown symbolic link.
# Handed over: __HASP_LAUNCHER (this process), __HASP_IGNORED and __HASP_BLOCKED (SigIgn and SigBlk of /proc/self/status),
# __HASP_NOFILE (soft limit), __HASP_FDS (open descriptors), __HASP_NEUTRALISED (names), and
# __HASP_ENV_0, __HASP_ENV_1 ...: NAME=value of each variable that bash would change or Node obey.
# process-tree/src/inherited.ts puts the original environment together again.

set +o posix
unset -v LC_ALL
LC_ALL=C

__hasp_fail() {
  printf 'hasp: %s\n' "$1" >&2
  [[ $__hasp_command == run ]] && exit 125
  exit 1
}
__hasp_command=${1-}

shopt -s execfail

__hasp_saved=() __hasp_names=
__hasp_save() { # NAME VALUE
  __hasp_saved[${#__hasp_saved[@]}]=$1=$2
}

if [[ -r /proc/self/environ ]] && ((BASH_VERSINFO[0] > 4 || (BASH_VERSINFO[0] == 4 && BASH_VERSINFO[1] >= 4))); then
  # Bash ignores SIGQUIT itself. It can't be trapped if it was ignored before: then it stays in SigIgn.
  trap : QUIT
  mapfile -t __hasp_lines </proc/self/status
  trap - QUIT
  for __hasp_line in "${__hasp_lines[@]}"; do
    case $__hasp_line in
      SigBlk:*) __hasp_blocked=${__hasp_line##*[[:space:]]} ;;
      SigIgn:*) __hasp_ignored=${__hasp_line##*[[:space:]]} && break ;;
    esac
  done
  mapfile -t __hasp_lines </proc/self/limits
  for __hasp_line in "${__hasp_lines[@]}"; do
    [[ $__hasp_line == 'Max open files'* ]] || continue
    __hasp_line=${__hasp_line#Max open files}
    __hasp_line=${__hasp_line#"${__hasp_line%%[! ]*}"}
    __hasp_nofile=${__hasp_line%%[!0-9]*}
    break
  done
  # With stderr closed, bash leaves this very file open there.
  [[ /proc/self/fd/2 -ef ${BASH_SOURCE[0]} ]] && exec 2>&-
  __hasp_fds=
  for __hasp_line in /proc/self/fd/*; do
    [[ -L $__hasp_line ]] && __hasp_fds+=" ${__hasp_line##*/}"
  done

  declare -A __hasp_special
  for __hasp_name in LC_ALL SHLVL _ IFS SHELLOPTS POSIXLY_CORRECT EXECIGNORE GLOBIGNORE SECONDS LINENO FUNCNAME FUNCNEST \
    DIRSTACK GROUPS PIPESTATUS MACHTYPE OSTYPE COPROC MAPFILE REPLY CDPATH TIMEFORMAT TMOUT LINES COLUMNS; do
    __hasp_special[$__hasp_name]=1
  done
  mapfile -d '' -t __hasp_lines </proc/self/environ
  for __hasp_line in "${__hasp_lines[@]}"; do
    [[ $__hasp_line == *=* ]] || continue # bash drops it: no variable is to be made of it
    __hasp_name=${__hasp_line%%=*}
    __hasp_value=${__hasp_line#*=}
    case $__hasp_name in
      __HASP_LC_ALL)
        [[ -n $__hasp_value ]] && __hasp_save LC_ALL "$__hasp_value"
        ;;
      # What Node, OpenSSL, ICU or libuv would load or obey.
      NODE_* | OPENSSL_* | SSL_CERT_* | ICU_* | UV_*)
        __hasp_save "$__hasp_name" "$__hasp_value"
        __hasp_names+=" $__hasp_name"
        ;;
      # What bash sets, drops or computes.
      __HASP_* | __hasp_* | BASH* | PS[0-4] | OPT* | *ID | EPOCH* | HIST* | HOST* | COMP_* | *RANDOM | *PWD)
        __hasp_save "$__hasp_name" "$__hasp_value"
        ;;
      '' | [!A-Za-z_]* | *[!A-Za-z0-9_]*) ;; # not a name for bash, which passes it on untouched
      *)
        [[ -z ${__hasp_special[$__hasp_name]-} && ${!__hasp_name-} == "$__hasp_value" ]] ||
          __hasp_save "$__hasp_name" "$__hasp_value"
        ;;
    esac
  done
else
  # No /proc (macOS), or an old bash: what Node would obey is still taken away and given back.
  for __hasp_name in ${!NODE_*} ${!OPENSSL_*} ${!SSL_CERT_*} ${!ICU_*} ${!UV_*}; do
    __hasp_save "$__hasp_name" "${!__hasp_name}"
    __hasp_names+=" $__hasp_name"
  done
  [[ -n ${__HASP_LC_ALL-} ]] && __hasp_save LC_ALL "$__HASP_LC_ALL"
  [[ -n ${PWD-} ]] && __hasp_save PWD "$PWD"
  [[ -n ${OLDPWD-} ]] && __hasp_save OLDPWD "$OLDPWD"
  ((SHLVL > 1)) && __hasp_save SHLVL "$((SHLVL - 1))"
fi

for __hasp_name in ${!NODE_*} ${!OPENSSL_*} ${!SSL_CERT_*} ${!ICU_*} ${!UV_*} ${!__HASP_*} ${!__hasp_*} LC_ALL; do
  export -n "$__hasp_name"
done

__hasp_self=${BASH_SOURCE[0]}
[[ $__hasp_self == */* ]] || __hasp_self=./$__hasp_self
__hasp_folder=${__hasp_self%/*}
if [[ -L $__hasp_self ]]; then
  # npm links node_modules/.bin/hasp, and bin/hasp for a global install.
  if [[ $__hasp_folder/../hasp/bin/hasp -ef $__hasp_self ]]; then
    __hasp_folder+=/../hasp/bin
  elif [[ $__hasp_folder/../lib/node_modules/hasp/bin/hasp -ef $__hasp_self ]]; then
    __hasp_folder+=/../lib/node_modules/hasp/bin
  else
    for ((__hasp_hop = 0; __hasp_hop < 40; __hasp_hop++)); do
      [[ -L $__hasp_self ]] || break
      __hasp_line=$(readlink -- "$__hasp_self" && printf /)
      __hasp_line=${__hasp_line%$'\n/'}
      [[ $__hasp_line == /* ]] || __hasp_line=${__hasp_self%/*}/$__hasp_line
      __hasp_self=$__hasp_line
    done
    __hasp_folder=${__hasp_self%/*}
  fi
fi

[[ -f $__hasp_folder/../dist/hasp.cjs ]] || __hasp_fail "not built: $__hasp_folder/../dist/hasp.cjs is missing"
type -P node >/dev/null || __hasp_fail 'needs Node.js 20 or later, and there is no node in PATH'

export __HASP_LAUNCHER=$$
if [[ -n ${__hasp_ignored-} ]]; then
  export __HASP_IGNORED=$__hasp_ignored __HASP_BLOCKED=${__hasp_blocked-} __HASP_NOFILE=${__hasp_nofile-} __HASP_FDS=$__hasp_fds
fi
[[ -n $__hasp_names ]] && export __HASP_NEUTRALISED=$__hasp_names
for ((__hasp_hop = 0; __hasp_hop < ${#__hasp_saved[@]}; __hasp_hop++)); do
  export "__HASP_ENV_$__hasp_hop=${__hasp_saved[__hasp_hop]}"
done

# A broker lives long and keeps little: with Node's own bounds what is young alone would take up 48 MB.
__hasp_flags=()
[[ $__hasp_command == broker ]] && __hasp_flags=(--max-semi-space-size=1)

# Until hasp's own handler stands, Node answers SIGUSR1 with a debugger for whoever connects first. It
# can't be told not to; so it is told to listen at an address that no machine has (RFC 5737).
exec node --inspect-port=203.0.113.1:1024 "${__hasp_flags[@]}" "$__hasp_folder/../dist/hasp.cjs" "$@"
__hasp_fail 'node could not be started'
