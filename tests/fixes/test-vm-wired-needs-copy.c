/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that is shared copy-on-write is wired while it can only be read, and
 * then stored to.  The page that the store makes must be the wired one.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/vm_prot.h>

#include <gnumach.user.h>
#include <mach.user.h>
#include <mach_host.user.h>

#define PAGES 2

/* Memory that touches no other that it could be merged with.  */
static vm_address_t allocate_apart(vm_size_t size)
{
  vm_address_t room;
  int err;

  err = vm_allocate(mach_task_self(), &room, size + 2 * vm_page_size, TRUE);
  ASSERT_RET(err, "vm_allocate");
  err = vm_deallocate(mach_task_self(), room, size + 2 * vm_page_size);
  ASSERT_RET(err, "vm_deallocate");
  room += vm_page_size;
  err = vm_allocate(mach_task_self(), &room, size, FALSE);
  ASSERT_RET(err, "vm_allocate");
  return room;
}

/* Stores to the first STORES pages make copies before anything is wired.  */
static void wire_for_reading(int stores)
{
  vm_size_t size = PAGES * vm_page_size;
  vm_address_t region;
  vm_offset_t copy;
  mach_msg_type_number_t n;
  volatile int *word[PAGES];
  int err;

  region = allocate_apart(size);
  for (int i = 0; i < PAGES; i++)
    {
      word[i] = (volatile int *)(region + i * vm_page_size);
      *word[i] = i + 1;
    }
  err = vm_read(mach_task_self(), region, size, &copy, &n);
  ASSERT_RET(err, "vm_read");
  for (int i = 0; i < stores; i++)
    *word[i] = i + 1;

  err = vm_protect(mach_task_self(), region, size, FALSE, VM_PROT_READ);
  ASSERT_RET(err, "vm_protect read");
  err = vm_wire(mach_host_self(), mach_task_self(), region, size,
                VM_PROT_READ);
  ASSERT_RET(err, "vm_wire");
  err = vm_protect(mach_task_self(), region, size, FALSE, VM_PROT_DEFAULT);
  ASSERT_RET(err, "vm_protect default");
  for (int i = 0; i < PAGES; i++)
    *word[i] = i + 11;
  err = vm_wire(mach_host_self(), mach_task_self(), region, size,
                VM_PROT_NONE);
  ASSERT_RET(err, "vm_wire of nothing");

  for (int i = 0; i < PAGES; i++)
    {
      ASSERT(*word[i] == i + 11, "a store got lost");
      ASSERT(*(volatile int *)(copy + i * vm_page_size) == i + 1,
             "a store went to the copy");
    }
  err = vm_deallocate(mach_task_self(), copy, size);
  ASSERT_RET(err, "vm_deallocate");
  err = vm_deallocate(mach_task_self(), region, size);
  ASSERT_RET(err, "vm_deallocate");
}

int main(int argc, char *argv[], int envc, char *envp[])
{
  for (int stores = 0; stores <= PAGES; stores++)
    {
      printf("%d of %d pages copied already\n", stores, PAGES);
      wire_for_reading(stores);
    }
  return 0;
}
