# Completion of gvctl for bash. Names of apps come from the daemon, if it answers.

_gvctl_apps() {
  gvctl "$@" --json status 2>/dev/null |
    grep -o '{"name":"[A-Za-z0-9_.-]*","state":"[a-z-]*","generation"' | cut -d '"' -f 4
}

_gvctl() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local command="" word i
  local -a socket=()
  for ((i = 1; i < COMP_CWORD; ++i)); do
    word=${COMP_WORDS[i]}
    case $word in
      --socket)
        socket=(--socket "${COMP_WORDS[i + 1]}")
        ((++i))
        ;;
      -*) ;;
      *) [[ -n $command ]] || command=$word ;;
    esac
  done

  COMPREPLY=()
  case $previous in
    --socket)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    -n | --lines) return ;;
  esac

  local global="--socket --json --help" words
  case $command in
    "") words="$global --version status ls ps deploy restart abort start stop logs tail shutdown version" ;;
    deploy | restart) words="$global --no-wait" ;;
    stop) words="$global --now" ;;
    logs | tail) words="$global --follow --lines --time" ;;
    *) words=$global ;;
  esac
  case $command in
    status | ls | ps | deploy | restart | abort | start | stop)
      [[ $current == -* ]] || words="all $(_gvctl_apps "${socket[@]}")"
      ;;
    logs | tail)
      [[ $current == -* ]] || words=$(_gvctl_apps "${socket[@]}")
      ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _gvctl gvctl
