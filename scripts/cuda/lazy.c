// The address of a function of one of NVIDIA's libraries, looked for at its first call (see lazy.py). Where library or function is
// missing, a function that returns an error code takes its place: nothing crashes, the caller says that CUDA is not there.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Each library's own code for "not there" or "not initialised".
static long no_device(void) { return 100; }
static long no_curand(void) { return 101; }
static long no_cudnn(void) { return 1001; }
static long no_nvrtc(void) { return 11; }
static long not_initialised(void) { return 1; }

static void *absent(const char *file) {
  if (!strncmp(file, "libcuda.", 8)) return (void *)no_device;
  if (!strncmp(file, "libcurand", 9)) return (void *)no_curand;
  if (!strncmp(file, "libcudnn", 8)) return (void *)no_cudnn;
  if (!strncmp(file, "libnvrtc", 8)) return (void *)no_nvrtc;
  return (void *)not_initialised;
}

static void *open_in(const char *folders, const char *file) {
  for (const char *p = folders; p && *p;) {
    size_t length = strcspn(p, ":");
    char path[4096];
    if (length && length + strlen(file) + 2 < sizeof path) {
      snprintf(path, sizeof path, "%.*s/%s", (int)length, p, file);
      void *handle = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
      if (handle) return handle;
    }
    p += length + (p[length] == ':');
  }
  return NULL;
}

// `files` are names one after the other, then an empty one. Weak: every archive carries this function.
__attribute__((weak, visibility("hidden")))
void *polyptych_lazy_resolve(const char *files, void **kept, const char *name) {
  void *handle = __atomic_load_n(kept, __ATOMIC_ACQUIRE);
  for (const char *file = files; *file && !handle; file += strlen(file) + 1) {
    handle = open_in(getenv("POLYPTYCH_CUDA_PATH"), file);
    if (!handle) handle = dlopen(file, RTLD_NOW | RTLD_GLOBAL);
  }
  const char *debug = getenv("POLYPTYCH_CUDA_DEBUG");
  if (!handle) {
    if (debug) fprintf(stderr, "polyptych: %s (for %s): %s\n", files, name, dlerror());
    return absent(files);
  }
  __atomic_store_n(kept, handle, __ATOMIC_RELEASE);
  void *function = dlsym(handle, name);
  if (!function) {
    if (debug) fprintf(stderr, "polyptych: %s has no %s\n", files, name);
    return absent(files);
  }
  return function;
}
