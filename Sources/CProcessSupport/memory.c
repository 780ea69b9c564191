#include <malloc.h>

#include "CProcessSupport.h"

enum { arenas = 2, mapped_bytes = 256 << 10 };

void krait_keep_heap_small(void) {
    mallopt(M_ARENA_MAX, arenas);
    mallopt(M_MMAP_THRESHOLD, mapped_bytes);
}

void krait_trim_heap(void) { malloc_trim(0); }
