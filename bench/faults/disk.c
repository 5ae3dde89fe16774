/*
 * A disk that fails on command, for one folder: loaded by LD_PRELOAD into the process under test, it stands between the process
 * and the C library. What it does is read from a shared control file at every call, so that it can be switched from outside.
 * With an undo log it also remembers, for every change that no fsync has made durable yet, what was there before: whoever reads
 * that log after a kill can put the folder back as a power cut would have left it.
 *
 * CHAOS_DATA     the folder, as its real path
 * CHAOS_CONTROL  the control file, see `struct control`
 * CHAOS_UNDO     a folder on the same file system for the undo log and for files that were removed (optional)
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum mode { OFF, FULL, WRITE_FAILS, SYNC_FAILS, SYNC_SLOW, SYNC_LIES };

/* 16 bytes; the harness writes the first two fields and reads the last. */
struct control {
  _Atomic uint32_t mode;
  _Atomic uint32_t slow_ms;
  _Atomic uint64_t hits;
};

/* One entry of the undo log, followed by `length` bytes. */
enum kind { WROTE = 1, SYNCED, SYNC_FAILED, MADE, RENAMED, REMOVED };
struct entry {
  uint32_t magic;
  uint32_t kind;
  uint64_t inode; /* of the file; of the folder for MADE, RENAMED and REMOVED */
  uint64_t offset;
  uint64_t old_size;
  uint64_t length;
};
#define MAGIC 0x4f444e55u
#define CHUNK 65536

enum { UNKNOWN, FOREIGN, OURS, RECORDED };
#define FDS 65536
static _Atomic signed char kinds[FDS];

static struct control *control;
static char data[PATH_MAX], undo_folder[PATH_MAX];
static size_t data_length;
static int undo = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned saved_count;

#define REAL(name)                                                   \
  ({                                                                 \
    static __typeof__(&name) real;                                   \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name);    \
    real;                                                            \
  })

__attribute__((constructor)) static void begin(void) {
  const char *folder = getenv("CHAOS_DATA"), *file = getenv("CHAOS_CONTROL"), *log = getenv("CHAOS_UNDO");
  if (!folder || !file) return;
  int fd = REAL(open64)(file, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *map = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  REAL(close)(fd);
  if (map == MAP_FAILED) return;
  data_length = (size_t)snprintf(data, sizeof data, "%s/", folder);
  if (log) {
    char path[PATH_MAX + 8];
    snprintf(undo_folder, sizeof undo_folder, "%s", log);
    snprintf(path, sizeof path, "%s/log", log);
    undo = REAL(open64)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (undo < 0) abort();
  }
  control = map;
}

static enum mode mode(void) { return control ? (enum mode)atomic_load(&control->mode) : OFF; }

static int fails(int error) {
  atomic_fetch_add(&control->hits, 1);
  errno = error;
  return 1;
}

static int is_below(const char *path) { return control && path && !strncmp(path, data, data_length); }

static int ends(const char *path, const char *with) {
  size_t length = strlen(path), tail = strlen(with);
  return length >= tail && !strcmp(path + length - tail, with);
}

/* What survives a power cut: not the shared memory of SQLite's readers, nor the lock, which holds nothing. */
static signed char kind_of(const char *path) {
  if (!is_below(path)) return FOREIGN;
  return undo < 0 || ends(path, "-shm") || ends(path, "/lock") ? OURS : RECORDED;
}

static signed char kind(int fd) {
  if (!control || fd < 0 || fd >= FDS) return FOREIGN;
  signed char known = atomic_load(&kinds[fd]);
  if (known != UNKNOWN) return known;
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return FOREIGN;
  path[length] = 0;
  if (!strcmp(path, "") || path[0] != '/') return atomic_store(&kinds[fd], FOREIGN), FOREIGN;
  /* The folder itself is ours, too: it is synced after a rename. */
  strcat(path, "/");
  signed char found = !strncmp(path, data, data_length) && !strcmp(path, data) ? (undo < 0 ? OURS : RECORDED) : FOREIGN;
  path[length] = 0;
  if (found == FOREIGN) found = kind_of(path);
  atomic_store(&kinds[fd], found);
  return found;
}

/* The log is shared by several processes and must not tell of things in another order than they happened. */
static void take(void) {
  pthread_mutex_lock(&lock);
  flock(undo, LOCK_EX);
}

static void give(void) {
  int error = errno;
  flock(undo, LOCK_UN);
  pthread_mutex_unlock(&lock);
  errno = error;
}

static void note(uint32_t kind, uint64_t inode, uint64_t offset, uint64_t old_size, const void *bytes, size_t length) {
  struct entry entry = {MAGIC, kind, inode, offset, old_size, length};
  struct iovec parts[2] = {{&entry, sizeof entry}, {(void *)bytes, length}};
  if (REAL(writev)(undo, parts, 2) != (ssize_t)(sizeof entry + length)) abort();
}

/* What stands in a range, before it is written over or cut off. */
static void note_range(int fd, off_t from, off_t length) {
  static char bytes[CHUNK];
  struct stat stat;
  if (fstat(fd, &stat)) return;
  off_t end = from + length < stat.st_size ? from + length : stat.st_size;
  if (from >= end) note(WROTE, stat.st_ino, (uint64_t)from, (uint64_t)stat.st_size, NULL, 0);
  for (off_t at = from; at < end; at += CHUNK) {
    size_t wanted = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
    ssize_t count = pread64(fd, bytes, wanted, at);
    /* A descriptor that may only write is read through another one. */
    if (count < 0) {
      char link[64];
      snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
      int other = REAL(open64)(link, O_RDONLY | O_CLOEXEC);
      count = pread64(other, bytes, wanted, at);
      REAL(close)(other);
    }
    if (count != (ssize_t)wanted) abort();
    note(WROTE, stat.st_ino, (uint64_t)at, (uint64_t)stat.st_size, bytes, wanted);
  }
}

static int write_fails(int fd) {
  if (kind(fd) < OURS) return 0;
  switch (mode()) {
  case FULL: return fails(ENOSPC);
  case WRITE_FAILS: return fails(EIO);
  default: return 0;
  }
}

static off_t place(int fd) {
  struct stat stat;
  if (fcntl(fd, F_GETFL) & O_APPEND) return fstat(fd, &stat) ? 0 : stat.st_size;
  return lseek64(fd, 0, SEEK_CUR);
}

static off_t total(const struct iovec *parts, int count) {
  off_t sum = 0;
  for (int i = 0; i < count; i++) sum += (off_t)parts[i].iov_len;
  return sum;
}

/* Remembers the range, then changes it, so that no other change and no sync comes in between. */
#define RECORDING(fd, offset, length, call)   \
  ({                                          \
    int recorded = kind(fd) == RECORDED;      \
    if (recorded) {                           \
      take();                                 \
      note_range(fd, offset, length);         \
    }                                         \
    __typeof__(call) result = call;           \
    if (recorded) give();                     \
    result;                                   \
  })

ssize_t write(int fd, const void *bytes, size_t length) {
  if (write_fails(fd)) return -1;
  return RECORDING(fd, place(fd), (off_t)length, REAL(write)(fd, bytes, length));
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  if (write_fails(fd)) return -1;
  return RECORDING(fd, place(fd), total(parts, count), REAL(writev)(fd, parts, count));
}

/* Offsets have 64 bits on the machines that this runs on, so both names of a function take the same. */
#define PWRITE(name)                                                                               \
  ssize_t name(int fd, const void *bytes, size_t length, off_t offset) {                           \
    if (write_fails(fd)) return -1;                                                                \
    return RECORDING(fd, offset, (off_t)length, REAL(name)(fd, bytes, length, offset));            \
  }
PWRITE(pwrite)
PWRITE(pwrite64)

#define PWRITEV(name)                                                                              \
  ssize_t name(int fd, const struct iovec *parts, int count, off_t offset) {                       \
    if (write_fails(fd)) return -1;                                                                \
    return RECORDING(fd, offset, total(parts, count), REAL(name)(fd, parts, count, offset));       \
  }
PWRITEV(pwritev)
PWRITEV(pwritev64)

/* What is cut off, or how long it was before it grew. */
static off_t cut_off(int fd, off_t length) {
  struct stat stat;
  return fstat(fd, &stat) || stat.st_size <= length ? 0 : stat.st_size - length;
}

#define FTRUNCATE(name)                                                                            \
  int name(int fd, off_t length) {                                                                 \
    if (write_fails(fd)) return -1;                                                                \
    return RECORDING(fd, length, cut_off(fd, length), REAL(name)(fd, length));                     \
  }
FTRUNCATE(ftruncate)
FTRUNCATE(ftruncate64)

#define FALLOCATE(name)                                                                            \
  int name(int fd, int flags, off_t offset, off_t length) {                                        \
    if (write_fails(fd)) return -1;                                                                \
    return RECORDING(fd, offset, length, REAL(name)(fd, flags, offset, length));                   \
  }
FALLOCATE(fallocate)
FALLOCATE(fallocate64)

#define POSIX_FALLOCATE(name)                                                                      \
  int name(int fd, off_t offset, off_t length) {                                                   \
    if (write_fails(fd)) return errno;                                                             \
    return RECORDING(fd, offset, length, REAL(name)(fd, offset, length));                          \
  }
POSIX_FALLOCATE(posix_fallocate)
POSIX_FALLOCATE(posix_fallocate64)

/* Durable is what the log says is durable; the real disk is asked as well, so that times are real. */
static int synced(int fd, int (*real)(int)) {
  signed char what = kind(fd);
  if (what < OURS) return real(fd);
  enum mode now = mode();
  if (now == SYNC_LIES) return 0;
  if (now == SYNC_SLOW) {
    atomic_fetch_add(&control->hits, 1);
    usleep(atomic_load(&control->slow_ms) * 1000);
  }
  if (what == RECORDED) {
    struct stat stat;
    if (!fstat(fd, &stat)) {
      take();
      note(now == SYNC_FAILS ? SYNC_FAILED : SYNCED, stat.st_ino, 0, 0, NULL, 0);
      give();
    }
  }
  if (now == SYNC_FAILS) return fails(EIO), -1;
  return real(fd);
}

int fsync(int fd) { return synced(fd, REAL(fsync)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }

/* The folder that an entry stands in. */
static uint64_t folder_of(const char *path) {
  char folder[PATH_MAX];
  struct stat stat_;
  snprintf(folder, sizeof folder, "%s", path);
  char *slash = strrchr(folder, '/');
  if (slash) *slash = 0;
  return stat(folder, &stat_) ? 0 : stat_.st_ino;
}

/* Keeps a file that is about to lose its name; answers its name among the kept ones. */
static void keep(const char *path, char *saved, size_t size) {
  snprintf(saved, size, "%s/%d-%u", undo_folder, getpid(), saved_count++);
  if (REAL(link)(path, saved)) saved[0] = 0;
}

static void note_names(uint32_t kind, const char *first, const char *second, const char *third) {
  char names[3 * PATH_MAX];
  int length = snprintf(names, sizeof names, "%s\n%s\n%s", first, second, third);
  note(kind, folder_of(first), 0, 0, names, (size_t)length);
}

static int creation_fails(const char *path, int flags, int *is_new) {
  *is_new = (flags & O_CREAT) && is_below(path) && access(path, F_OK);
  if (!*is_new) return 0;
  switch (mode()) {
  case FULL: return fails(ENOSPC);
  case WRITE_FAILS: return fails(EIO);
  default: return 0;
  }
}

/* The log tells of a new file before it can be written; of one that is emptied by being opened, what it held. */
#define OPENING(path, flags, call)                                              \
  ({                                                                            \
    int is_new, fd = -1;                                                        \
    if (!creation_fails(path, flags, &is_new)) {                                \
      int recorded = kind_of(path) == RECORDED;                                 \
      if (recorded) take();                                                     \
      if (recorded && !is_new && (flags & O_TRUNC)) {                           \
        int before = REAL(open64)(path, O_RDONLY | O_CLOEXEC);                  \
        if (before >= 0) note_range(before, 0, cut_off(before, 0)), REAL(close)(before); \
      }                                                                         \
      fd = call;                                                                \
      if (recorded && is_new && fd >= 0) note_names(MADE, path, "", "");        \
      if (recorded) give();                                                     \
      if (fd >= 0 && fd < FDS) atomic_store(&kinds[fd], UNKNOWN);               \
    }                                                                           \
    fd;                                                                         \
  })

#define RIGHTS(flags)                                                           \
  mode_t rights = 0;                                                            \
  if (((flags) & O_CREAT) || ((flags) & O_TMPFILE) == O_TMPFILE) {                                       \
    va_list rest;                                                               \
    va_start(rest, flags);                                                      \
    rights = va_arg(rest, mode_t);                                              \
    va_end(rest);                                                               \
  }

#define OPEN(name)                                                                                 \
  int name(const char *path, int flags, ...) {                                                     \
    RIGHTS(flags)                                                                                  \
    return OPENING(path, flags, REAL(name)(path, flags, rights));                                  \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                               \
  int name(int folder, const char *path, int flags, ...) {                                         \
    RIGHTS(flags)                                                                                  \
    return OPENING(path, flags, REAL(name)(folder, path, flags, rights));                          \
  }
OPENAT(openat)
OPENAT(openat64)

int close(int fd) {
  if (fd >= 0 && fd < FDS) atomic_store(&kinds[fd], UNKNOWN);
  return REAL(close)(fd);
}

/* Takes what the new name stood for aside, renames, and notes it. */
#define RENAMING(from, to, call)                              \
  ({                                                          \
    char saved[PATH_MAX + 32];                                \
    int recorded = kind_of(from) == RECORDED;                 \
    if (recorded) {                                           \
      take();                                                 \
      keep(to, saved, sizeof saved);                          \
    }                                                         \
    int result = call;                                        \
    if (recorded) {                                           \
      if (!result) note_names(RENAMED, to, from, saved);      \
      give();                                                 \
    }                                                         \
    result;                                                   \
  })

int rename(const char *from, const char *to) { return RENAMING(from, to, REAL(rename)(from, to)); }

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
  return RENAMING(from, to, REAL(renameat)(from_folder, from, to_folder, to));
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
  return RENAMING(from, to, REAL(renameat2)(from_folder, from, to_folder, to, flags));
}

#define REMOVING(path, call)                                  \
  ({                                                          \
    char saved[PATH_MAX + 32];                                \
    int recorded = kind_of(path) == RECORDED;                 \
    if (recorded) {                                           \
      take();                                                 \
      keep(path, saved, sizeof saved);                        \
    }                                                         \
    int result = call;                                        \
    if (recorded) {                                           \
      if (!result) note_names(REMOVED, path, saved, "");      \
      give();                                                 \
    }                                                         \
    result;                                                   \
  })

int unlink(const char *path) { return REMOVING(path, REAL(unlink)(path)); }

int unlinkat(int folder, const char *path, int flags) {
  if (flags & AT_REMOVEDIR) return REAL(unlinkat)(folder, path, flags);
  return REMOVING(path, REAL(unlinkat)(folder, path, flags));
}

int link(const char *from, const char *to) {
  if (kind_of(to) != RECORDED) return REAL(link)(from, to);
  take();
  int result = REAL(link)(from, to);
  if (!result) note_names(MADE, to, "", "");
  give();
  return result;
}
