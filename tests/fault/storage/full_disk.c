/* A disk that is full, or whose fsync fails, whenever a file named by FAULT_FLAG exists.
   "space": writes to files under FAULT_UNDER fail with ENOSPC. "fsync": fsync and fdatasync fail with EIO. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int wanted(const char *what, int fd) {
    const char *flag = getenv("FAULT_FLAG"), *under = getenv("FAULT_UNDER");
    char path[4096], link[64], said[16] = {0};
    int file, count;
    if (!flag || !under) return 0;
    file = open(flag, O_RDONLY);
    if (file < 0) return 0;
    count = read(file, said, sizeof said - 1);
    close(file);
    if (count <= 0 || strcmp(said, what)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    count = readlink(link, path, sizeof path - 1);
    if (count < 0) return 0;
    path[count] = 0;
    return !strncmp(path, under, strlen(under));
}

ssize_t pwrite64(int fd, const void *from, size_t size, off64_t at) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real) real = dlsym(RTLD_NEXT, "pwrite64");
    if (wanted("space", fd)) { errno = ENOSPC; return -1; }
    return real(fd, from, size, at);
}

ssize_t pwrite(int fd, const void *from, size_t size, off_t at) {
    static ssize_t (*real)(int, const void *, size_t, off_t);
    if (!real) real = dlsym(RTLD_NEXT, "pwrite");
    if (wanted("space", fd)) { errno = ENOSPC; return -1; }
    return real(fd, from, size, at);
}

ssize_t write(int fd, const void *from, size_t size) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    if (fd > 2 && wanted("space", fd)) { errno = ENOSPC; return -1; }
    return real(fd, from, size);
}

int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    if (wanted("fsync", fd)) { errno = EIO; return -1; }
    return real(fd);
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
    if (wanted("fsync", fd)) { errno = EIO; return -1; }
    return real(fd);
}
