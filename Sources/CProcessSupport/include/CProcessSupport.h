// What Swift's Glibc cannot say: starting processes with care, watching descriptors and processes.
// Every function returns -1 with errno set where it fails, unless it says otherwise.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// How to start a process.
struct krait_spawn {
    const char *path;          // absolute path of the program
    char *const *arguments;    // null-terminated, the program's name first
    char *const *environment;  // null-terminated
    // Descriptors of this process which the child gets as 0, 1, 2, …; -1 stands for /dev/null.
    const int *descriptors;
    int descriptor_count;
};

// Starts a process in a session of its own, with default signals, an empty signal mask and no
// other descriptors than those named. A program that cannot be executed is this call's error, with
// the child's errno, and leaves no child behind. Returns the process id.
pid_t krait_spawn(const struct krait_spawn *request);

// A descriptor that turns readable when the process ends; close-on-exec.
int krait_pidfd_open(pid_t pid);
// Sends a signal to the very process a pidfd stands for, never to a later one of the same number.
int krait_pidfd_send_signal(int pidfd, int signal);

// A non-blocking, close-on-exec event counter.
int krait_eventfd(void);

// A close-on-exec epoll set: watching for readability, and waiting for what is readable.
int krait_epoll_create(void);
int krait_epoll_add(int set, int descriptor, uint64_t token);
int krait_epoll_remove(int set, int descriptor);
// Writes at most `capacity` tokens of readable descriptors without waiting; returns how many.
int krait_epoll_ready(int set, uint64_t *tokens, int capacity);

// What a descriptor is watched and ready for, in libcurl's numbers.
enum { KRAIT_READABLE = 1, KRAIT_WRITABLE = 2, KRAIT_FAILED = 4 };
struct krait_readiness {
    int descriptor;
    int events;
};
// Watches a descriptor for these, in the place of what it was watched for before.
int krait_epoll_watch(int set, int descriptor, int events);
// Waits so long, or for ever where that is negative; writes at most `capacity` of what is ready and
// returns how many.
int krait_epoll_wait(int set, struct krait_readiness *ready, int capacity, int milliseconds);

// A connected pair of SOCK_SEQPACKET sockets, both close-on-exec and non-blocking.
int krait_packet_pair(int pair[2]);
// A pipe, both ends close-on-exec; the reading end is non-blocking where asked for.
int krait_pipe(int ends[2], int nonblocking_read);
// Sends one packet with descriptors attached.
ssize_t krait_send_packet(
    int socket, const void *bytes, size_t length, const int *descriptors, int descriptor_count);

// Lets threads share two arenas of the C heap instead of having one each, and gives what is larger
// than 256 KiB pages of its own, which go back when it is freed: measured over ten minutes of calls
// and faults, a daemon of 54 MB and growing becomes one of 43 that stays so.
// For the start of a process: threads keep the arenas they have.
void krait_keep_heap_small(void);
// Gives the pages of the C heap that hold nothing back to the system, in all of its arenas: by itself
// it gives back only what lies at an arena's end. Takes about a millisecond for tens of megabytes.
void krait_trim_heap(void);

// Lets a child begin without any descriptor from `lowest` on, whatever other threads open meanwhile.
// `actions` is a posix_spawn_file_actions_t: spawn.h itself is left to Glibc's module.
int krait_close_from(void *actions, int lowest);

// The kernel's id of the calling thread.
pid_t krait_gettid(void);
// Names the calling thread, as `top -H` shows it (15 bytes).
void krait_name_thread(const char *name);

// Words of memory that is shared with other processes: what was written before a store is seen by
// whoever has loaded it.
static inline void krait_store_word(uint64_t *word, uint64_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}
static inline uint64_t krait_load_word(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}
