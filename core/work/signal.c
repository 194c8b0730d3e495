/* The names of signals. */
#include <signal.h>
#include <stdio.h>

#include "base/base.h"
#include "neap/process.h"

#define NAME(signal) [signal] = #signal

static const char *const names[] = {
    NAME(SIGHUP),    NAME(SIGINT),    NAME(SIGQUIT), NAME(SIGILL),
    NAME(SIGTRAP),   NAME(SIGABRT),   NAME(SIGBUS),  NAME(SIGFPE),
    NAME(SIGKILL),   NAME(SIGUSR1),   NAME(SIGSEGV), NAME(SIGUSR2),
    NAME(SIGPIPE),   NAME(SIGALRM),   NAME(SIGTERM), NAME(SIGCHLD),
    NAME(SIGCONT),   NAME(SIGSTOP),   NAME(SIGTSTP), NAME(SIGTTIN),
    NAME(SIGTTOU),   NAME(SIGURG),    NAME(SIGXCPU), NAME(SIGXFSZ),
    NAME(SIGVTALRM), NAME(SIGPROF),   NAME(SIGWINCH), NAME(SIGIO),
    NAME(SIGPWR),    NAME(SIGSYS),
#ifdef SIGSTKFLT
    NAME(SIGSTKFLT),
#endif
};


/* Text of the thread's own, for the last signal without a name. */
static const char *numbered(const char *format, int number)
{
    static _Thread_local char text[32];
    snprintf(text, sizeof text, format, number);
    return text;
}


const char *neap_signal_name(int signal)
{
    if (signal > 0 && (size_t)signal < NEAP__COUNT(names) && names[signal])
        return names[signal];
    if (signal == SIGRTMIN)
        return "SIGRTMIN";
    if (signal > SIGRTMIN && signal <= SIGRTMAX)
        return numbered("SIGRTMIN+%d", signal - SIGRTMIN);
    return numbered("signal %d", signal);
}
