# Completion of gvctl for bash. Names of apps come from the daemon, if it answers.

# _gvctl_offer CURRENT CHOICES...: those that continue it. Where bash breaks words at "@", only what begins there is
# replaced.
_gvctl_offer() {
  local current=$1 kept="" choice
  shift
  [[ $current == *@* && $COMP_WORDBREAKS == *@* ]] && kept=${current%@*}
  COMPREPLY=()
  for choice; do
    [[ $choice == "$current"* ]] && COMPREPLY+=("${choice#"$kept"}")
  done
}

_gvctl() {
  # The words up to the cursor, with "web@43" as one.
  local -a words=()
  local word previous="" i
  for ((i = 0; i <= COMP_CWORD; ++i)); do
    word=${COMP_WORDS[i]}
    if ((i > 0)) && [[ $COMP_WORDBREAKS == *@* && ($word == @ || ${words[-1]} == *@) ]]; then
      words[-1]+=$word
    else
      words+=("$word")
    fi
  done
  local current=${words[-1]}
  ((${#words[@]} < 2)) || previous=${words[-2]}

  # The command, how many words it has already, and how to reach the daemon.
  local command="" given=0
  local -a daemon=()
  for ((i = 1; i < ${#words[@]} - 1; ++i)); do
    word=${words[i]}
    case $word in
      --socket | -c | --config)
        daemon=("$word" "${words[++i]}")
        ;;
      -n | --lines | --until | --since | --grep | --timeout | --to) ((++i)) ;;
      -*) ;;
      *) if [[ -z $command ]]; then command=$word; else ((++given)); fi ;;
    esac
  done

  case $previous in
    --socket | -c | --config | --to)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    --until)
      [[ $command == logs || $command == tail ]] || _gvctl_offer "$current" cutover
      return
      ;;
    -n | --lines | --since | --grep | --timeout) return ;;
  esac

  local -a global=(--socket --config --json --help) choices=()
  if [[ -z $command ]]; then
    _gvctl_offer "$current" "${global[@]}" --version status ls ps deploy restart abort attach wait history start stop \
      kill signal scale reload logs tail env show check schema upgrade shutdown version help
    return
  fi
  if [[ $current == -* ]]; then
    case $command in
      status | ls | ps) choices=(--verbose --watch --exit-code) ;;
      deploy | restart) choices=(--dry-run --no-wait --until) ;;
      wait) choices=(--timeout) ;;
      start) choices=(--same) ;;
      stop) choices=(--now) ;;
      signal) choices=(--group --force) ;;
      reload) choices=(--dry-run --remove --no-wait) ;;
      logs | tail) choices=(--follow --lines --time --since --until --grep --stderr --access --daemon) ;;
      env) choices=(--unmask) ;;
      show) choices=(--all) ;;
      check) choices=(--strict) ;;
      upgrade) choices=(--to --wait --timeout --now) ;;
    esac
    _gvctl_offer "$current" "${global[@]}" "${choices[@]}"
    return
  fi
  case $command:$given in
    status:* | ls:* | ps:* | deploy:* | restart:* | abort:* | wait:* | start:* | stop:* | reload:*)
      mapfile -t choices < <(gvctl "${daemon[@]}" names 2>/dev/null)
      choices+=(all)
      ;;
    signal:0) choices=(HUP INT QUIT USR1 USR2 TERM CONT WINCH ABRT ALRM KILL STOP TSTP TTIN TTOU) ;;
    kill:* | signal:* | logs:* | tail:*)
      mapfile -t choices < <(gvctl "${daemon[@]}" names --generations 2>/dev/null)
      choices+=(all)
      ;;
    history:0) mapfile -t choices < <(gvctl "${daemon[@]}" names --generations 2>/dev/null) ;;
    attach:0 | env:0 | show:0 | scale:0) mapfile -t choices < <(gvctl "${daemon[@]}" names 2>/dev/null) ;;
    scale:1) choices=(file) ;;
    schema:0) choices=(status report logs history environment settings check version error) ;;
  esac
  _gvctl_offer "$current" "${choices[@]}"
}

complete -F _gvctl gvctl
