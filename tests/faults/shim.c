/* Fail, cut short or kill the k-th step on files below a folder; preloaded into a test's process.
 *
 * A step is a read, write, sync, rename, open, close or truncation, by whatever library of the process calls
 * libc: Python, Arrow, HDF5. Nothing happens before fault_arm(), which a forked child calls. The counter is in
 * memory that a child shares with its parent, so that the parent knows it after a kill.
 *
 * Not seen: memory maps, the C library's own streams (fopen), and system calls made without libc.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

enum fault { NONE, EIO_ERROR, NO_SPACE, SHORT, KILL, TERM, FULL };
enum kind { READ = 1, WRITE = 2, SYNC = 4, RENAME = 8, OPEN = 16, MAKE = 32, CLOSE = 64, TRUNCATE = 128, LEAVE = 256 };

#define KINDS 9 /* LEAVE is the close of a file that was only read */

struct state {
    atomic_long steps;      /* that the fault can happen to */
    atomic_long counts[KINDS];  /* of all steps, by kind */
    int kind; /* of the step that was touched, 0 before that */
    char path[PATH_MAX];
};

#define MOST_FILES 4096
static struct state *state;
static char folder[PATH_MAX];
static size_t folder_length;
static int fault;
static long target;
static int counted;
static char watched[MOST_FILES];

void fault_share(void) {
    if (!state)
        state = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(state, 0, sizeof *state);
}

/* What each fault can happen to: a full disk refuses no read, and only transfers can be short. */
static int kinds_of(int which) {
    if (which == NO_SPACE || which == FULL) return WRITE | SYNC | RENAME | MAKE | TRUNCATE | CLOSE;
    if (which == SHORT) return READ | WRITE;
    return ~0;
}

void fault_arm(const char *below, int which, long step) {
    strncpy(folder, below, sizeof folder - 1);
    folder_length = strlen(folder);
    fault = which;
    target = step;
    counted = kinds_of(which);
}

/* How many steps of a run without a fault another fault can happen to. */
long fault_steps(int which) {
    long sum = 0;
    for (int bit = 0; bit < KINDS; bit++)
        if (kinds_of(which) & 1 << bit) sum += atomic_load(&state->counts[bit]);
    return sum;
}
int fault_kind(void) { return state->kind; }
const char *fault_path(void) { return state->path; }

static int below(int directory, const char *name, char *whole) {
    if (!folder_length || !name) return 0;
    if (name[0] == '/') {
        snprintf(whole, PATH_MAX, "%s", name);
    } else if (directory == AT_FDCWD) {
        char here[PATH_MAX];
        if (!getcwd(here, sizeof here)) return 0;
        snprintf(whole, PATH_MAX, "%.2000s/%.2000s", here, name);
    } else {
        char link[64], base[PATH_MAX];
        snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
        ssize_t length = readlink(link, base, sizeof base - 1);
        if (length < 0) return 0;
        base[length] = 0;
        snprintf(whole, PATH_MAX, "%.2000s/%.2000s", base, name);
    }
    return !strncmp(whole, folder, folder_length) && (whole[folder_length] == '/' || !whole[folder_length]);
}

static int is_watched(int file) { return folder_length && file >= 0 && file < MOST_FILES && watched[file]; }

/* Count a step; return whether the fault happens at it. */
static int touches(int kind, const char *path, int file) {
    atomic_fetch_add(&state->counts[__builtin_ctz(kind)], 1);
    if (!(counted & kind)) return 0;
    long step = atomic_fetch_add(&state->steps, 1) + 1;
    if (fault == FULL ? step < target : step != target) return 0;
    if (state->kind) return 1; /* a full disk stays full */
    state->kind = kind;
    if (path) {
        snprintf(state->path, sizeof state->path, "%s", path);
    } else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", file);
        ssize_t length = readlink(link, state->path, sizeof state->path - 1);
        state->path[length < 0 ? 0 : length] = 0;
    }
    return 1;
}

/* Let the fault happen; return whether the call fails, with errno set. A half-done transfer comes before. */
static int fails(void) {
    switch (fault) {
    case EIO_ERROR: errno = EIO; return 1;
    case NO_SPACE:
    case FULL: errno = ENOSPC; return 1;
    case KILL: kill(getpid(), SIGKILL); pause(); return 1;
    case TERM: kill(getpid(), SIGTERM); return 0;
    default: return 0;
    }
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define OPENED(file, whole) \
    do { \
        if (file >= 0 && file < MOST_FILES) watched[file] = (whole) ? 1 + !!(flags & (O_WRONLY | O_RDWR)) : 0; \
        return file; \
    } while (0)

#define OPEN_AT(name, directory, first) \
    mode_t mode = 0; \
    if (flags & (O_CREAT | __O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    } \
    REAL(name); \
    char whole[PATH_MAX]; \
    int inside = below(directory, path, whole); \
    if (inside && touches(flags & O_CREAT ? MAKE : OPEN, whole, -1) && fails()) return -1; \
    int file = first; \
    OPENED(file, inside)

int open(const char *path, int flags, ...) { OPEN_AT(open, AT_FDCWD, real(path, flags, mode)); }
int open64(const char *path, int flags, ...) { OPEN_AT(open64, AT_FDCWD, real(path, flags, mode)); }
int openat(int at, const char *path, int flags, ...) { OPEN_AT(openat, at, real(at, path, flags, mode)); }
int openat64(int at, const char *path, int flags, ...) { OPEN_AT(openat64, at, real(at, path, flags, mode)); }

/* A failed close closes all the same, as on Linux. */
int close(int file) {
    REAL(close);
    int inside = is_watched(file), kind = inside && watched[file] == 1 ? LEAVE : CLOSE;
    int failed = inside && touches(kind, NULL, file) && fails(), error = errno;
    if (file >= 0 && file < MOST_FILES) watched[file] = 0;
    int answer = real(file);
    if (!failed) return answer;
    errno = error;
    return -1;
}

/* Half of the bytes, then the end: a short transfer, or a process killed in the middle of a write. */
#define TRANSFER(kind, file, bytes, whole, half) \
    if (is_watched(file) && touches(kind, NULL, file)) { \
        if (fault == SHORT && (bytes) > 1) return half; \
        if (fault == KILL && kind == WRITE && (bytes) > 1 && (half) < 0) return -1; \
        if (fails()) return -1; \
    } \
    return whole

ssize_t read(int file, void *to, size_t size) {
    REAL(read);
    TRANSFER(READ, file, size, real(file, to, size), real(file, to, size / 2));
}
ssize_t pread(int file, void *to, size_t size, off_t at) {
    REAL(pread);
    TRANSFER(READ, file, size, real(file, to, size, at), real(file, to, size / 2, at));
}
ssize_t pread64(int file, void *to, size_t size, off64_t at) {
    REAL(pread64);
    TRANSFER(READ, file, size, real(file, to, size, at), real(file, to, size / 2, at));
}
ssize_t readv(int file, const struct iovec *to, int count) {
    REAL(readv);
    TRANSFER(READ, file, count, real(file, to, count), real(file, to, 1));
}
ssize_t write(int file, const void *from, size_t size) {
    REAL(write);
    TRANSFER(WRITE, file, size, real(file, from, size), real(file, from, size / 2));
}
ssize_t pwrite(int file, const void *from, size_t size, off_t at) {
    REAL(pwrite);
    TRANSFER(WRITE, file, size, real(file, from, size, at), real(file, from, size / 2, at));
}
ssize_t pwrite64(int file, const void *from, size_t size, off64_t at) {
    REAL(pwrite64);
    TRANSFER(WRITE, file, size, real(file, from, size, at), real(file, from, size / 2, at));
}
ssize_t writev(int file, const struct iovec *from, int count) {
    REAL(writev);
    TRANSFER(WRITE, file, count, real(file, from, count), real(file, from, 1));
}
ssize_t sendfile(int to, int from, off_t *at, size_t size) {
    REAL(sendfile);
    TRANSFER(WRITE, to, size, real(to, from, at, size), real(to, from, at, size / 2));
}
ssize_t sendfile64(int to, int from, off64_t *at, size_t size) {
    REAL(sendfile64);
    TRANSFER(WRITE, to, size, real(to, from, at, size), real(to, from, at, size / 2));
}
ssize_t copy_file_range(int from, off64_t *at, int to, off64_t *into, size_t size, unsigned flags) {
    REAL(copy_file_range);
    TRANSFER(WRITE, to, size, real(from, at, to, into, size, flags), real(from, at, to, into, size / 2, flags));
}

#define ON_FILE(kind, name, arguments) \
    REAL(name); \
    if (is_watched(file) && touches(kind, NULL, file) && fails()) return -1; \
    return real arguments

int fsync(int file) { ON_FILE(SYNC, fsync, (file)); }
int fdatasync(int file) { ON_FILE(SYNC, fdatasync, (file)); }
int ftruncate(int file, off_t size) { ON_FILE(TRUNCATE, ftruncate, (file, size)); }
int ftruncate64(int file, off64_t size) { ON_FILE(TRUNCATE, ftruncate64, (file, size)); }

#define ON_PATH(kind, name, directory, path, arguments) \
    REAL(name); \
    char whole[PATH_MAX]; \
    if (below(directory, path, whole) && touches(kind, whole, -1) && fails()) return -1; \
    return real arguments

int truncate(const char *path, off_t size) { ON_PATH(TRUNCATE, truncate, AT_FDCWD, path, (path, size)); }
int truncate64(const char *path, off64_t size) { ON_PATH(TRUNCATE, truncate64, AT_FDCWD, path, (path, size)); }
int rename(const char *from, const char *to) { ON_PATH(RENAME, rename, AT_FDCWD, to, (from, to)); }
int renameat(int a, const char *from, int b, const char *to) { ON_PATH(RENAME, renameat, b, to, (a, from, b, to)); }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    ON_PATH(RENAME, renameat2, b, to, (a, from, b, to, flags));
}
