/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A task is created by inheritance from one with a wired page that cannot be
 * read.  It gets the rest.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/vm_prot.h>

#include <gnumach.user.h>
#include <mach.user.h>
#include <mach_host.user.h>

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

int main(int argc, char *argv[], int envc, char *envp[])
{
  vm_address_t page[3];
  vm_offset_t copy;
  mach_msg_type_number_t n;
  task_t child;
  int err;

  page[0] = allocate_apart(3 * vm_page_size);
  for (int i = 0; i < 3; i++)
    {
      page[i] = page[0] + i * vm_page_size;
      *(volatile int *)page[i] = i + 1;
    }
  err = vm_wire(mach_host_self(), mach_task_self(), page[1], vm_page_size,
                VM_PROT_DEFAULT);
  ASSERT_RET(err, "vm_wire");
  err = vm_protect(mach_task_self(), page[1], vm_page_size, FALSE,
                   VM_PROT_WRITE);
  ASSERT_RET(err, "vm_protect write");

  err = task_create(mach_task_self(), TRUE, &child);
  ASSERT_RET(err, "task_create");
  for (int i = 0; i < 3; i += 2)
    {
      err = vm_read(child, page[i], vm_page_size, &copy, &n);
      ASSERT_RET(err, "vm_read");
      ASSERT(*(volatile int *)copy == i + 1, "wrong contents");
    }
  err = vm_read(child, page[1], vm_page_size, &copy, &n);
  ASSERT(err != KERN_SUCCESS, "read what cannot be read");

  err = vm_wire(mach_host_self(), mach_task_self(), page[1], vm_page_size,
                VM_PROT_NONE);
  ASSERT_RET(err, "vm_wire of nothing");
  err = task_terminate(child);
  ASSERT_RET(err, "task_terminate");
  return 0;
}
