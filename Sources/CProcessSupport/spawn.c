#define _GNU_SOURCE
#include "CProcessSupport.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Above every descriptor a child is given, so that moving them about cannot clobber one.
enum { SCRATCH = 64 };

// Runs between fork and exec: only async-signal-safe calls. Returns only on failure.
static void become(const struct krait_spawn *request, int report) {
    if (setsid() < 0) return;

    // By system call, since the C library refuses the two signals it uses itself. All zeroes are the
    // kernel's struct for the default; 8 is the size of its signal mask.
    unsigned long fresh[8] = {0};
    for (int number = 1; number < NSIG; number++)
        syscall(SYS_rt_sigaction, number, fresh, NULL, 8);
    sigset_t none;
    sigemptyset(&none);
    if (sigprocmask(SIG_SETMASK, &none, NULL) < 0) return;

    int moved[SCRATCH];
    for (int target = 0; target < request->descriptor_count; target++) {
        int source = request->descriptors[target];
        if (source < 0) source = open("/dev/null", O_RDWR);
        if (source < 0) return;
        moved[target] = fcntl(source, F_DUPFD, SCRATCH);
        if (moved[target] < 0) return;
    }
    for (int target = 0; target < request->descriptor_count; target++)
        if (dup2(moved[target], target) < 0) return;

    // Everything else but the report, which closes itself on exec.
    unsigned first = (unsigned)request->descriptor_count, kept = (unsigned)report;
    if (kept > first && syscall(SYS_close_range, first, kept - 1, 0) < 0) return;
    if (syscall(SYS_close_range, kept + 1, ~0U, 0) < 0) return;

    execve(request->path, request->arguments, request->environment);
}

pid_t krait_spawn(const struct krait_spawn *request) {
    if (request->descriptor_count > SCRATCH) {
        errno = EINVAL;
        return -1;
    }
    int report[2];
    if (pipe2(report, O_CLOEXEC) < 0) return -1;

    // No signal may reach a handler of ours in the child before it has reset them.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) {
        int moved = fcntl(report[1], F_DUPFD_CLOEXEC, SCRATCH);
        if (moved >= 0) become(request, moved);
        int error = errno;
        if (write(moved >= 0 ? moved : report[1], &error, sizeof error) < 0) _exit(126);
        _exit(127);
    }
    int fork_error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (pid < 0) {
        close(report[0]);
        errno = fork_error;
        return -1;
    }

    int error = 0;
    ssize_t got;
    do got = read(report[0], &error, sizeof error);
    while (got < 0 && errno == EINTR);
    close(report[0]);
    if (got == 0) return pid;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
    errno = got == sizeof error ? error : EIO;
    return -1;
}
