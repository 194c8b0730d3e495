# Completion of the command neap in bash.

_neap() {
    local commands='ls show get set rm gc check locks map maps doctor checkpoint restore serve bench'
    local word=$2 command=${COMP_WORDS[1]}
    # Addresses have colons, at which bash parts words.
    local before=${COMP_LINE:0:COMP_POINT}
    before=${before##*[[:space:]]}
    COMPREPLY=()

    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(
            compgen -W "$commands --help --version -e" -- "$word"
            compgen -f -X '!*.lua' -- "$word"
            compgen -d -S / -- "$word")
        return
    fi
    if [[ " $commands " != *" $command "* ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
    fi
    if [[ $before == -* ]]; then
        local options='--help --json'
        case $command in
        ls) options+=' --quiet --heaps --semaphores' ;;
        show) options+=' --names' ;;
        rm) options+=' --force --semaphores' ;;
        check) options+=' --all' ;;
        locks) options+=' --watch --measure' ;;
        map) options+=' --svg --png --html' ;;
        maps) options+=' --shared' ;;
        checkpoint) options+=' --mode --nobody-writes --compress' ;;
        restore) options+=' --mode --reserve' ;;
        bench) options+=' --sizes --ways --seconds --svg' ;;
        serve) options+=' --mode --fresh --count --timeout' ;;
        esac
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$before")
        return
    fi
    if [[ $command == [gs]et && $COMP_CWORD -gt 2 ]]; then
        _neap_objects "$word"
        return
    fi

    if [[ $command == maps ]]; then
        mapfile -t COMPREPLY < <(
            compgen -W "$(cd /proc && echo [0-9]*)" -- "$word")
        return
    fi
    [[ $command == doctor ]] && return
    if [[ $command == bench ]]; then
        mapfile -t COMPREPLY < <(compgen -W ipc -- "$word")
        return
    fi

    local listing='neap ls --quiet --heaps'
    [[ $command == rm ]] && listing='neap ls --quiet'
    [[ $command == rm && $COMP_LINE == *' --semaphores '* ]] &&
        listing+=' --semaphores'
    mapfile -t COMPREPLY < <(
        compgen -W "$($listing 2>/dev/null)" -- "$before"
        compgen -f -- "$before")
    local colons=${before%"${before##*:}"}
    COMPREPLY=("${COMPREPLY[@]#"$colons"}")
}

# The names in the heap that stands on the command line.
_neap_objects() {
    local before=${COMP_LINE:0:COMP_POINT} words
    read -ra words <<<"$before"
    local names
    names=$(neap show "${words[2]}" --names 2>/dev/null) || return
    local IFS=$'\n'
    mapfile -t COMPREPLY < <(compgen -W "$names" -- "$1")
}

complete -o filenames -o bashdefault -F _neap neap
