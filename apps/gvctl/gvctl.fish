# Completion of gvctl for fish. Names of apps come from the daemon, if it answers.

# The words of the command line that are neither options nor what belongs to one: the command, and what it is given.
# With --daemon: the options that say where the daemon is.
function __gvctl_words
    set -l words (commandline -opc)[2..-1]
    set -l plain
    set -l daemon
    while set -q words[1]
        switch $words[1]
            case --socket -c --config
                set daemon $words[1..2]
                set -e words[1]
            case '--socket=*' '--config=*'
                set daemon $words[1]
            case -n --lines --until --since --grep --timeout --to
                set -e words[1]
            case '-*'
            case '*'
                set -a plain $words[1]
        end
        set -e words[1]
    end
    if test "$argv[1]" = --daemon
        string join -- \n $daemon
    else
        string join -- \n $plain
    end
end

function __gvctl_names
    gvctl (__gvctl_words --daemon) names $argv 2>/dev/null
end

# __gvctl_given N COMMANDS...: is it one of these commands, with N words so far?
function __gvctl_given
    set -l words (__gvctl_words)
    test (count $words) -eq (math $argv[1] + 1); and contains -- $words[1] $argv[2..-1]
end

function __gvctl_command
    set -l words (__gvctl_words)
    contains -- "$words[1]" $argv
end

complete -c gvctl -f
complete -c gvctl -l socket -r -F -d 'the control socket of the daemon'
complete -c gvctl -s c -l config -r -F -d 'the configuration of the daemon, which tells the socket'
complete -c gvctl -l json -d 'machine-readable output'
complete -c gvctl -s h -l help -d 'show help'
complete -c gvctl -n "__gvctl_command ''" -l version -d 'show the version'

complete -c gvctl -n "__gvctl_command ''" -a 'status ls ps' -d 'show apps and their instances'
complete -c gvctl -n "__gvctl_command ''" -a 'deploy restart' -d 'start a new generation and switch to it'
complete -c gvctl -n "__gvctl_command ''" -a abort -d 'undo the deploy that is under way'
complete -c gvctl -n "__gvctl_command ''" -a attach -d 'follow the command that is under way'
complete -c gvctl -n "__gvctl_command ''" -a wait -d 'wait until nothing is under way'
complete -c gvctl -n "__gvctl_command ''" -a history -d 'show the last commands of an app'
complete -c gvctl -n "__gvctl_command ''" -a start -d 'start stopped apps'
complete -c gvctl -n "__gvctl_command ''" -a stop -d 'let apps finish, then stop them'
complete -c gvctl -n "__gvctl_command ''" -a kill -d 'SIGKILL at once'
complete -c gvctl -n "__gvctl_command ''" -a signal -d 'send a signal to instances'
complete -c gvctl -n "__gvctl_command ''" -a scale -d 'change the number of instances'
complete -c gvctl -n "__gvctl_command ''" -a reload -d 'put the changed configuration into force'
complete -c gvctl -n "__gvctl_command ''" -a 'logs tail' -d 'show what apps wrote'
complete -c gvctl -n "__gvctl_command ''" -a env -d 'show the environment of the processes'
complete -c gvctl -n "__gvctl_command ''" -a show -d 'show the settings that an app runs with'
complete -c gvctl -n "__gvctl_command ''" -a check -d 'have the daemon check its configuration files'
complete -c gvctl -n "__gvctl_command ''" -a schema -d 'print the JSON Schema of what --json prints'
complete -c gvctl -n "__gvctl_command ''" -a upgrade -d 'have another gracevisord take over'
complete -c gvctl -n "__gvctl_command ''" -a shutdown -d 'stop all apps, then the daemon'
complete -c gvctl -n "__gvctl_command ''" -a version -d 'show versions'
complete -c gvctl -n "__gvctl_command ''" -a help -d 'show help, also that of a command'

set -l many status ls ps deploy restart abort wait start stop reload
complete -c gvctl -n "__gvctl_command $many" -a '(__gvctl_names)'
complete -c gvctl -n "__gvctl_command $many kill logs tail" -a all -d 'every app'
complete -c gvctl -n '__gvctl_given 0 attach env show scale' -a '(__gvctl_names)'
complete -c gvctl -n '__gvctl_given 0 history' -a '(__gvctl_names --generations)'
complete -c gvctl -n '__gvctl_command kill logs tail' -a '(__gvctl_names --generations)'
complete -c gvctl -n '__gvctl_given 0 signal' -a 'HUP INT QUIT USR1 USR2 TERM CONT WINCH ABRT ALRM KILL STOP TSTP TTIN TTOU'
complete -c gvctl -n '__gvctl_command signal; and not __gvctl_given 0 signal' -a '(__gvctl_names --generations) all'
complete -c gvctl -n '__gvctl_given 1 scale' -a file -d 'as many as the files say'

complete -c gvctl -n '__gvctl_command deploy restart reload' -l dry-run -d 'only say what would be done'
complete -c gvctl -n '__gvctl_command deploy restart reload' -l no-wait -d 'return as soon as the daemon has begun'
complete -c gvctl -n '__gvctl_command deploy restart' -l until -x -a cutover -d 'return at the cutover'
complete -c gvctl -n '__gvctl_command reload' -l remove -d 'drain, stop and forget apps that the files no longer have'
complete -c gvctl -n '__gvctl_given 0 schema' -a 'status report logs history environment settings check version error'
complete -c gvctl -n '__gvctl_command status ls ps' -s v -l verbose -d 'show the instances of all apps, too'
complete -c gvctl -n '__gvctl_command status ls ps' -s w -l watch -d 'show it again every 2 s'
complete -c gvctl -n '__gvctl_command status ls ps' -l exit-code -d 'exit 14 if anything that should run does not'
complete -c gvctl -n '__gvctl_command wait upgrade' -l timeout -x -d 'at most so long'
complete -c gvctl -n '__gvctl_command upgrade' -l to -r -F -d 'this program'
complete -c gvctl -n '__gvctl_command upgrade' -l wait -d 'wait until nothing is in the way'
complete -c gvctl -n '__gvctl_command upgrade' -l now -d 'end the daemon that an earlier upgrade has left'
complete -c gvctl -n '__gvctl_command start' -l same -d 'as they were stopped'
complete -c gvctl -n '__gvctl_command stop' -l now -d 'do not wait for requests to finish'
complete -c gvctl -n '__gvctl_command signal' -l group -d 'to every process of the group of the instance'
complete -c gvctl -n '__gvctl_command signal' -l force -d 'suspend even what serves'
complete -c gvctl -n '__gvctl_command logs tail' -s f -l follow -d 'go on as more is written'
complete -c gvctl -n '__gvctl_command logs tail' -s n -l lines -x -d 'how many lines of the past'
complete -c gvctl -n '__gvctl_command logs tail' -s t -l time -d 'show when each line was written'
complete -c gvctl -n '__gvctl_command logs tail' -l since -x -d 'only what was written since'
complete -c gvctl -n '__gvctl_command logs tail' -l until -x -d 'only what was written until then'
complete -c gvctl -n '__gvctl_command logs tail' -l grep -x -d 'only lines with this text'
complete -c gvctl -n '__gvctl_command logs tail' -l stderr -d 'only what was written to standard error'
complete -c gvctl -n '__gvctl_command logs tail' -l access -d 'the access logs of the apps'
complete -c gvctl -n '__gvctl_command logs tail' -l daemon -d 'the own log of the daemon'
complete -c gvctl -n '__gvctl_command env' -l unmask -d 'show the values that the configuration chose, too'
complete -c gvctl -n '__gvctl_command show' -l all -d 'show what is as by default, too'
complete -c gvctl -n '__gvctl_command check' -l strict -d 'exit 2 if there are warnings, too'
