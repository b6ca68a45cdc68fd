# Completion of gvctl for fish. Names of apps come from the daemon, if it answers.

function __gvctl_apps
    gvctl --json status 2>/dev/null |
        string match --all --regex --groups-only '\{"name":"([A-Za-z0-9_.-]*)","state":"[a-z-]*","generation"'
end

set -l commands status ls ps deploy restart abort start stop logs tail shutdown version
set -l takes_apps '__fish_seen_subcommand_from status ls ps deploy restart abort start stop logs tail'

complete -c gvctl -f
complete -c gvctl -l socket -r -F -d 'the control socket of the daemon'
complete -c gvctl -l json -d 'machine-readable output'
complete -c gvctl -s h -l help -d 'show help'
complete -c gvctl -n "not __fish_seen_subcommand_from $commands" -l version -d 'show the version'

complete -c gvctl -n "not __fish_seen_subcommand_from $commands" -a 'status ls ps' -d 'show apps and their instances'
complete -c gvctl -n "not __fish_seen_subcommand_from $commands" -a 'deploy restart' -d 'start a new generation and switch to it'
complete -c gvctl -n "not __fish_seen_subcommand_from $commands" -a abort -d 'undo the deploy that is under way'
complete -c gvctl -n "not __fish_seen_subcommand_from $commands" -a start -d 'start stopped apps'
complete -c gvctl -n "not __fish_seen_subcommand_from $commands" -a stop -d 'let apps finish, then stop them'
complete -c gvctl -n "not __fish_seen_subcommand_from $commands" -a 'logs tail' -d 'show what an app wrote'
complete -c gvctl -n "not __fish_seen_subcommand_from $commands" -a shutdown -d 'stop all apps, then the daemon'
complete -c gvctl -n "not __fish_seen_subcommand_from $commands" -a version -d 'show versions'

complete -c gvctl -n "$takes_apps" -a '(__gvctl_apps)'
complete -c gvctl -n '__fish_seen_subcommand_from status ls ps deploy restart abort start stop' -a all -d 'every app'
complete -c gvctl -n '__fish_seen_subcommand_from deploy restart' -l no-wait -d 'return as soon as the daemon has begun'
complete -c gvctl -n '__fish_seen_subcommand_from stop' -l now -d 'do not wait for requests to finish'
complete -c gvctl -n '__fish_seen_subcommand_from logs tail' -s f -l follow -d 'go on as more is written'
complete -c gvctl -n '__fish_seen_subcommand_from logs tail' -s n -l lines -x -d 'how many lines of the past'
complete -c gvctl -n '__fish_seen_subcommand_from logs tail' -s t -l time -d 'show when each line was written'
