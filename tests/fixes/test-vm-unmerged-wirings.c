/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wired memory that is made accessible page by page is one region in the end.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>

#include <gnumach.user.h>
#include <mach.user.h>
#include <mach_host.user.h>

#define PAGES 64

static int regions(vm_address_t start, vm_address_t end)
{
  int n = 0;

  while (start < end)
    {
      vm_size_t size;
      vm_prot_t protection, max_protection;
      vm_inherit_t inheritance;
      boolean_t shared;
      mach_port_t object;
      vm_offset_t offset;
      int err;

      err = vm_region(mach_task_self(), &start, &size, &protection,
                      &max_protection, &inheritance, &shared, &object,
                      &offset);
      ASSERT_RET(err, "vm_region");
      start += size;
      n++;
    }
  return n;
}

int main(int argc, char *argv[], int envc, char *envp[])
{
  vm_size_t size = PAGES * vm_page_size;
  vm_address_t region;
  int err, n;

  /* With a page on each side, to have no neighbour.  */
  err = vm_allocate(mach_task_self(), &region, size + 2 * vm_page_size, TRUE);
  ASSERT_RET(err, "vm_allocate");
  err = vm_deallocate(mach_task_self(), region, size + 2 * vm_page_size);
  ASSERT_RET(err, "vm_deallocate");
  region += vm_page_size;
  err = vm_allocate(mach_task_self(), &region, size, FALSE);
  ASSERT_RET(err, "vm_allocate");

  err = vm_wire(mach_host_self(), mach_task_self(), region, size,
                VM_PROT_DEFAULT);
  ASSERT_RET(err, "vm_wire");
  err = vm_protect(mach_task_self(), region, size, FALSE, VM_PROT_NONE);
  ASSERT_RET(err, "vm_protect NONE");
  for (int page = 0; page < PAGES; page++)
    {
      err = vm_protect(mach_task_self(), region + page * vm_page_size,
                       vm_page_size, FALSE, VM_PROT_DEFAULT);
      ASSERT_RET(err, "vm_protect DEFAULT");
    }
  n = regions(region, region + size);
  printf("%d regions\n", n);
  ASSERT(n == 1, "not merged");

  err = vm_deallocate(mach_task_self(), region, size);
  ASSERT_RET(err, "vm_deallocate");
  return 0;
}
