#include <malloc.h>

#include "CProcessSupport.h"

void krait_trim_heap(void) { malloc_trim(0); }
