/* For tests of the store: a folder of its own for each, with the database in it. */
#ifndef ISO_ORCHESTRATOR_STORE_TEST_SUPPORT_H
#define ISO_ORCHESTRATOR_STORE_TEST_SUPPORT_H

/* The folder, and the path of the database in it, from store_test_make_dir to store_test_drop_dir;
 * there is no database at first. */
extern char store_test_dir[64];
extern char store_test_path[96];

void store_test_make_dir(void);
void store_test_drop_dir(void);

#endif
