/* The guest of abi_bench: add(a: s32, b: s32) -> s32 and echo(data: list<u8>) -> list<u8>, as core
 * functions of the canonical ABI; add-often and take-often call imports that often. */
__attribute__((aligned(16))) static unsigned char heap[8 << 20];
static unsigned next;
static struct {
    unsigned char *ptr;
    unsigned len;
} list;

__attribute__((import_module("$root"), import_name("host-add"))) int host_add(int a, int b);
__attribute__((import_module("$root"), import_name("host-take"))) unsigned
host_take(const unsigned char *ptr, unsigned len);

int add(int a, int b);
int add_often(int count);
unsigned take_often(int count);
void *cabi_realloc(void *old, unsigned old_size, unsigned align, unsigned size);
void *echo(unsigned char *ptr, unsigned len);
void cabi_post_echo(void *result);

__attribute__((export_name("add"))) int add(int a, int b)
{
    return (int)((unsigned)a + (unsigned)b);
}

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, unsigned old_size,
                                                                unsigned align, unsigned size)
{
    (void)old;
    (void)old_size;
    unsigned at = (next + align - 1) & -align;
    if (size > sizeof heap || at > sizeof heap - size) {
        __builtin_trap();
    }
    next = at + size;
    return &heap[at];
}

__attribute__((export_name("echo"))) void *echo(unsigned char *ptr, unsigned len)
{
    list.ptr = ptr;
    list.len = len;
    return &list;
}

__attribute__((export_name("cabi_post_echo"))) void cabi_post_echo(void *result)
{
    (void)result;
    next = 0;
}

__attribute__((export_name("add-often"))) int add_often(int count)
{
    int sum = 0;
    for (int i = 0; i < count; i++) {
        sum = host_add(sum, 2);
    }
    return sum;
}

__attribute__((export_name("take-often"))) unsigned take_often(int count)
{
    unsigned sum = 0;
    for (int i = 0; i < count; i++) {
        sum += host_take(heap, sizeof heap / 2);
    }
    return sum;
}
