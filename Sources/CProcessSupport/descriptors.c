#define _GNU_SOURCE
#include "CProcessSupport.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { READY_BATCH = 64, PACKET_DESCRIPTORS = 8 };

int krait_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int krait_pidfd_send_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

int krait_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

int krait_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int krait_epoll_add(int set, int descriptor, uint64_t token) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = token};
    return epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event);
}

int krait_epoll_remove(int set, int descriptor) {
    return epoll_ctl(set, EPOLL_CTL_DEL, descriptor, NULL);
}

int krait_epoll_ready(int set, uint64_t *tokens, int capacity) {
    struct epoll_event events[READY_BATCH];
    int count = epoll_wait(set, events, capacity < READY_BATCH ? capacity : READY_BATCH, 0);
    for (int index = 0; index < count; index++) tokens[index] = events[index].data.u64;
    return count;
}

int krait_epoll_watch(int set, int descriptor, int events) {
    struct epoll_event event = {.data.fd = descriptor};
    if (events & KRAIT_READABLE) event.events |= EPOLLIN;
    if (events & KRAIT_WRITABLE) event.events |= EPOLLOUT;
    if (epoll_ctl(set, EPOLL_CTL_MOD, descriptor, &event) == 0) return 0;
    return errno == ENOENT ? epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event) : -1;
}

int krait_epoll_wait(int set, struct krait_readiness *ready, int capacity, int milliseconds) {
    struct epoll_event events[READY_BATCH];
    int most = capacity < READY_BATCH ? capacity : READY_BATCH;
    int count = epoll_wait(set, events, most, milliseconds);
    for (int index = 0; index < count; index++) {
        uint32_t found = events[index].events;
        ready[index].descriptor = events[index].data.fd;
        ready[index].events = (found & (EPOLLIN | EPOLLHUP | EPOLLRDHUP) ? KRAIT_READABLE : 0)
            | (found & EPOLLOUT ? KRAIT_WRITABLE : 0) | (found & EPOLLERR ? KRAIT_FAILED : 0);
    }
    return count;
}

int krait_packet_pair(int pair[2]) {
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair);
}

int krait_pipe(int ends[2], int nonblocking_read) {
    if (pipe2(ends, O_CLOEXEC) < 0) return -1;
    if (nonblocking_read && fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0) return -1;
    return 0;
}

ssize_t krait_send_packet(
    int socket, const void *bytes, size_t length, const int *descriptors, int descriptor_count) {
    if (descriptor_count > PACKET_DESCRIPTORS) {
        errno = EINVAL;
        return -1;
    }
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
    union {
        char bytes[CMSG_SPACE(sizeof(int) * PACKET_DESCRIPTORS)];
        struct cmsghdr aligned;
    } control;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptor_count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)descriptor_count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)descriptor_count);
        memcpy(CMSG_DATA(header), descriptors, sizeof(int) * (size_t)descriptor_count);
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

int krait_close_from(void *actions, int lowest) {
    return posix_spawn_file_actions_addclosefrom_np(actions, lowest);
}

pid_t krait_gettid(void) { return (pid_t)syscall(SYS_gettid); }

void krait_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }
