/* Address space for linear memories, and the engine's mutex: struct iso_platform over POSIX. */
#include "platform/image.h"
#include "platform/platform.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct iso_platform platform;

static void *memory_reserve(void *ctx, size_t size)
{
    (void)ctx;
    /* PROT_NONE and MAP_NORESERVE: address space only, charged to nobody. */
    void *addr = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return addr == MAP_FAILED ? NULL : addr;
}

static bool memory_commit(void *ctx, void *addr, size_t size)
{
    (void)ctx;
    if (size == 0) {
        return true;
    }
    /* A new mapping rather than mprotect: its pages are zero also where the range was in use
     * before, and without MAP_NORESERVE the system can refuse what it could never supply, so that
     * memory.grow fails instead of the process being killed later. */
    void *got =
        mmap(addr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    return got != MAP_FAILED;
}

static void memory_release(void *ctx, void *addr, size_t size)
{
    (void)ctx;
    (void)munmap(addr, size);
}

static bool memory_discard(void *ctx, void *addr, size_t size)
{
    (void)ctx;
    /* Private mappings forget what was written to them: an image's show its bytes again, others
     * are zero. */
    return madvise(addr, size, MADV_DONTNEED) == 0;
}

static void mutex_lock(void *ctx)
{
    int failed = pthread_mutex_lock(ctx);
    ISO_ASSERT(failed == 0);
}

static void mutex_unlock(void *ctx)
{
    int failed = pthread_mutex_unlock(ctx);
    ISO_ASSERT(failed == 0);
}

static void platform_init(void)
{
    long page_size = sysconf(_SC_PAGESIZE);
    platform = (struct iso_platform){
        .ctx = &mutex,
        .page_size = page_size > 0 ? (size_t)page_size : 0,
        .reserve = memory_reserve,
        .commit = memory_commit,
        .release = memory_release,
        .discard = memory_discard,
        .lock = mutex_lock,
        .unlock = mutex_unlock,
    };
    iso_image_posix_add(&platform);
}

const struct iso_platform *iso_platform_posix(void)
{
    int failed = pthread_once(&once, platform_init);
    ISO_ASSERT(failed == 0);
    return &platform;
}
