#compdef gvctl
# Completion of gvctl for zsh. Names of apps come from the daemon, if it answers.

# _gvctl_names [all] [--generations]
_gvctl_names() {
  local -a daemon names
  local option
  for option in --socket --config -c; do
    (( ${+opt_args[$option]} )) && daemon=($option "${(Q)opt_args[$option]}")
    (( ${+_gvctl_given[$option]} )) && daemon=($option "${(Q)_gvctl_given[$option]}")
  done
  names=(${(f)"$(gvctl $daemon names ${(M)argv:#--generations} 2>/dev/null)"})
  (( ${argv[(Ie)all]} )) && names+=(all)
  compadd -a names
}

_gvctl_signals() {
  compadd HUP INT QUIT USR1 USR2 TERM CONT WINCH ABRT ALRM KILL STOP TSTP TTIN TTOU
}

_gvctl() {
  local curcontext=$curcontext state line
  typeset -A opt_args _gvctl_given
  local -a global=(
    '--socket[the control socket of the daemon]:socket:_files'
    '(-c --config)'{-c,--config}'[the configuration of the daemon, which tells the socket]:file:_files'
    '--json[machine-readable output]'
    '(-h --help)'{-h,--help}'[show help]'
  )
  _arguments -C $global '--version[show the version]' '1: :->command' '*:: :->arguments'
  # What stands before the command is no longer there when what follows it is completed.
  _gvctl_given=("${(@kv)opt_args}")
  case $state in
    command)
      local -a commands=(
        'status:show apps and their instances'
        'ls:the same as status'
        'ps:the same as status'
        'deploy:start a new generation and switch to it once it is healthy'
        'restart:the same as deploy'
        'abort:undo the deploy that is under way'
        'attach:follow the command that is under way for an app'
        'wait:wait until nothing is under way for apps'
        'history:show the last commands of an app'
        'start:start stopped apps, as the files now say'
        'stop:let apps finish their requests, then stop them until a start or deploy'
        'kill:SIGKILL at once; an app then stays stopped, an instance is replaced'
        'signal:send a signal to the main processes of instances'
        'scale:change the number of instances, until the files give another one'
        'reload:put the changed configuration into force, as a whole'
        'logs:show what apps wrote'
        'tail:the same as logs'
        "env:show the environment of an app's processes"
        'show:show the settings that an app runs with'
        'check:have the daemon check its configuration files'
        'upgrade:have another gracevisord take over'
        'shutdown:stop all apps, then the daemon'
        'schema:print the JSON Schema of what --json prints'
        'version:show the versions of gvctl and of the daemon'
        'help:show help, also that of a command'
      )
      _describe command commands
      ;;
    arguments)
      case $words[1] in
        status|ls|ps)
          _arguments $global '(-v --verbose)'{-v,--verbose}'[show the instances of all apps, too]' \
            '(-w --watch)'{-w,--watch}'[show it again every 2 s]' \
            '--exit-code[exit 14 if anything that should run does not]' '*:app:_gvctl_names all'
          ;;
        abort) _arguments $global '*:app:_gvctl_names all' ;;
        schema) _arguments $global ':message:(status report logs history environment settings check version error)' ;;
        deploy|restart)
          _arguments $global '--dry-run[only say what would be done]' \
            '--no-wait[return as soon as the daemon has begun]' \
            '--until[return at the cutover]:phase:(cutover)' '*:app:_gvctl_names all'
          ;;
        attach) _arguments $global ':app:_gvctl_names' ;;
        wait) _arguments $global '--timeout[at most so long]:duration:' '*:app:_gvctl_names all' ;;
        history) _arguments $global ':app:_gvctl_names --generations' ;;
        start) _arguments $global '--same[as they were stopped]' '*:app:_gvctl_names all' ;;
        stop) _arguments $global '--now[do not wait for requests to finish]' '*:app:_gvctl_names all' ;;
        kill) _arguments $global '*:instance:_gvctl_names all --generations' ;;
        signal)
          _arguments $global '--group[to every process of the group of the instance]' \
            '--force[suspend even what serves]' ':signal:_gvctl_signals' '*:instance:_gvctl_names all --generations'
          ;;
        scale) _arguments $global ':app:_gvctl_names' ':instances:(file)' ;;
        reload)
          _arguments $global '--dry-run[only say what would be done]' \
            '--remove[drain, stop and forget apps that the files no longer have]' \
            '--no-wait[return as soon as the daemon has begun]' '*:app:_gvctl_names all'
          ;;
        logs|tail)
          _arguments $global '(-f --follow)'{-f,--follow}'[go on as more is written]' \
            '(-n --lines)'{-n,--lines}'[how many lines of the past]:lines:' \
            '(-t --time)'{-t,--time}'[show when each line was written]' \
            '--since[only what was written since]:time:' '--until[only what was written until then]:time:' \
            '--grep[only lines with this text]:text:' '--stderr[only what was written to standard error]' \
            '--access[the access logs of the apps]' "--daemon[the daemon's own log]" \
            '*:app:_gvctl_names all --generations'
          ;;
        show) _arguments $global '--all[show what is as by default, too]' ':app:_gvctl_names' ;;
        upgrade)
          _arguments $global '--to[this program]:program:_files' \
            '--wait[wait until nothing is in the way]' '--timeout[at most so long]:duration:' \
            '--now[end the daemon that an earlier upgrade has left]'
          ;;
        check) _arguments $global '--strict[exit 2 if there are warnings, too]' ;;
        env) _arguments $global '--unmask[show the values that the configuration chose, too]' ':app:_gvctl_names' ;;
        *) _arguments $global ;;
      esac
      ;;
  esac
}

_gvctl "$@"
