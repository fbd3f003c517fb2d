/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A proxy of a part of a memory object lets nobody map what lies in front of
 * that part, nor behind it.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/memory_object.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>

#include <gnumach.user.h>
#include <mach.user.h>
#include <mach_port.user.h>

/* What the messages of memory_object.defs have in common.  */
struct request
{
  mach_msg_header_t head;
  mach_msg_type_t control_type;
  union
  {
    mach_port_t name;
    vm_offset_t size;
  } control;
  mach_msg_type_t offset_type;
  vm_offset_t offset;
  char rest[256];
};

#define MEMORY_OBJECT_INIT 2200
#define MEMORY_OBJECT_DATA_REQUEST 2203

static mach_port_t object;

static void pager(void *arg)
{
  struct request request;
  vm_offset_t data;
  int err;

  while (1)
    {
      err = mach_msg(&request.head, MACH_RCV_MSG, 0, sizeof request, object,
                     MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
      ASSERT_RET(err, "mach_msg");
      switch (request.head.msgh_id)
        {
        case MEMORY_OBJECT_INIT:
          err = memory_object_ready(request.control.name, FALSE,
                                    MEMORY_OBJECT_COPY_NONE);
          ASSERT_RET(err, "memory_object_ready");
          break;
        case MEMORY_OBJECT_DATA_REQUEST:
          err = vm_allocate(mach_task_self(), &data, vm_page_size, TRUE);
          ASSERT_RET(err, "vm_allocate");
          *(int *)data = request.offset / vm_page_size;
          err = memory_object_data_supply(request.control.name, request.offset,
                                          data, vm_page_size, TRUE,
                                          VM_PROT_NONE, FALSE, MACH_PORT_NULL);
          ASSERT_RET(err, "memory_object_data_supply");
          break;
        }
    }
}

static int map(mach_port_t proxy, vm_offset_t offset, vm_size_t size,
               vm_address_t *page)
{
  *page = 0;
  return vm_map(mach_task_self(), page, size, 0, TRUE, proxy, offset, FALSE,
                VM_PROT_READ, VM_PROT_READ, VM_INHERIT_NONE);
}

int main(int argc, char *argv[], int envc, char *envp[])
{
  rpc_vm_offset_t offset = 0, start = 2 * vm_page_size;
  rpc_vm_size_t length = 2 * vm_page_size;
  vm_address_t page;
  mach_port_t proxy;
  int err;

  err = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &object);
  ASSERT_RET(err, "mach_port_allocate");
  err = mach_port_insert_right(mach_task_self(), object, object,
                               MACH_MSG_TYPE_MAKE_SEND);
  ASSERT_RET(err, "mach_port_insert_right");
  test_thread_start(mach_task_self(), pager, 0);
  err = memory_object_create_proxy(mach_task_self(), VM_PROT_READ, &object,
                                   MACH_MSG_TYPE_COPY_SEND, 1, &offset, 1,
                                   &start, 1, &length, 1, &proxy);
  ASSERT_RET(err, "memory_object_create_proxy");

  err = map(proxy, 0, 2 * vm_page_size, &page);
  ASSERT_RET(err, "vm_map of all of it");
  ASSERT(*(volatile int *)page == 2, "wrong contents");
  err = map(proxy, vm_page_size, vm_page_size, &page);
  ASSERT_RET(err, "vm_map of its end");
  ASSERT(*(volatile int *)page == 3, "wrong contents");
  ASSERT(map(proxy, vm_page_size, 2 * vm_page_size, &page) != KERN_SUCCESS,
         "a page behind was mapped");
  ASSERT(map(proxy, 3 * vm_page_size, vm_page_size, &page) != KERN_SUCCESS,
         "a page further behind was mapped");
  err = map(proxy, -vm_page_size, vm_page_size, &page);
  printf("a page in front: %s\n", e2s(err));
  if (err == KERN_SUCCESS)
    printf("it has %d\n", *(volatile int *)page);
  ASSERT(err != KERN_SUCCESS, "a page in front was mapped");
  ASSERT(map(proxy, -vm_page_size, 2 * vm_page_size, &page) != KERN_SUCCESS,
         "pages from in front on were mapped");
  return 0;
}
