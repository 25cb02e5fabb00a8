/* A folder for a test of the store. See the header. */
#include "orchestrator/store_test_support.h"

#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char store_test_dir[64];
char store_test_path[96];

void store_test_make_dir(void)
{
    (void)snprintf(store_test_dir, sizeof store_test_dir, "/tmp/isomer-store-XXXXXX");
    CHECK(mkdtemp(store_test_dir) != NULL);
    (void)snprintf(store_test_path, sizeof store_test_path, "%s/orchestrator.db", store_test_dir);
}

void store_test_drop_dir(void)
{
    char wal[112];
    (void)snprintf(wal, sizeof wal, "%s-wal", store_test_path);
    (void)unlink(wal);
    (void)unlink(store_test_path);
    (void)rmdir(store_test_dir);
}
