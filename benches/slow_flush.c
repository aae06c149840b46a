/* A slow disk. Preloaded into a server (LD_PRELOAD), it makes every fdatasync and fsync take at least a given time, and
   counts them.

     FLUSH_MS      that time, in milliseconds
     FLUSH_COUNTS  a file of 16 bytes, which will hold the number of flushes and their total time in nanoseconds

   It has an effect only in a process with the argument `serve`: the program that starts the server is not slowed. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const int64_t SECOND = 1000000000;

static int64_t shortest;
static _Atomic uint64_t own_counts[2];
static _Atomic uint64_t *counts = own_counts;

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * SECOND + time.tv_nsec;
}

__attribute__((constructor)) static void load(int argc, char **argv)
{
    int serves = 0;
    for (int i = 1; i < argc; i++)
        serves |= strcmp(argv[i], "serve") == 0;
    if (!serves)
        return;
    const char *ms = getenv("FLUSH_MS"), *file = getenv("FLUSH_COUNTS");
    shortest = ms ? (int64_t)(strtod(ms, NULL) * 1e6) : 0;
    int fd = file ? open(file, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *mapped = mmap(NULL, sizeof own_counts, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped != MAP_FAILED)
        counts = mapped;
    close(fd);
}

static int flush(long call, int fd)
{
    int64_t begun = now(), end = begun + shortest;
    int result = (int)syscall(call, fd), error = errno;
    struct timespec until = {.tv_sec = end / SECOND, .tv_nsec = end % SECOND};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
    atomic_fetch_add(&counts[0], 1);
    atomic_fetch_add(&counts[1], (uint64_t)(now() - begun));
    errno = error;
    return result;
}

int fdatasync(int fd) { return flush(SYS_fdatasync, fd); }

int fsync(int fd) { return flush(SYS_fsync, fd); }
