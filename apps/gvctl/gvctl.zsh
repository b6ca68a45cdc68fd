#compdef gvctl
# Completion of gvctl for zsh. Names of apps come from the daemon, if it answers.

_gvctl_apps() {
  local -a socket names
  (( ${+opt_args[--socket]} )) && socket=(--socket "${(Q)opt_args[--socket]}")
  names=(${(f)"$(gvctl $socket --json status 2>/dev/null |
    grep -o '{"name":"[A-Za-z0-9_.-]*","state":"[a-z-]*","generation"' | cut -d '"' -f 4)"})
  [[ $1 == all ]] && names+=(all)
  compadd -a names
}

_gvctl() {
  local curcontext=$curcontext state line
  typeset -A opt_args
  local -a global=(
    '--socket[the control socket of the daemon]:socket:_files'
    '--json[machine-readable output]'
    '(-h --help)'{-h,--help}'[show help]'
  )
  _arguments -C $global '--version[show the version]' '1: :->command' '*:: :->arguments'
  case $state in
    command)
      local -a commands=(
        'status:show apps and their instances'
        'ls:the same as status'
        'ps:the same as status'
        'deploy:start a new generation and switch to it once it is healthy'
        'restart:the same as deploy'
        'abort:undo the deploy that is under way'
        'start:start stopped apps'
        'stop:let apps finish their requests, then stop them until a start or deploy'
        'logs:show what an app wrote'
        'tail:the same as logs'
        'shutdown:stop all apps, then the daemon'
        'version:show the versions of gvctl and of the daemon'
      )
      _describe command commands
      ;;
    arguments)
      case $words[1] in
        status|ls|ps|abort|start) _arguments $global '*:app:_gvctl_apps all' ;;
        deploy|restart)
          _arguments $global '--no-wait[return as soon as the daemon has begun]' '*:app:_gvctl_apps all'
          ;;
        stop) _arguments $global '--now[do not wait for requests to finish]' '*:app:_gvctl_apps all' ;;
        logs|tail)
          _arguments $global '(-f --follow)'{-f,--follow}'[go on as more is written]' \
            '(-n --lines)'{-n,--lines}'[how many lines of the past]:lines:' \
            '(-t --time)'{-t,--time}'[show when each line was written]' ':app:_gvctl_apps'
          ;;
        *) _arguments $global ;;
      esac
      ;;
  esac
}

_gvctl "$@"
