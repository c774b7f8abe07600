// Operators that candle has only as several kernels, each with a pass over memory: attention without the matrix of scores, group norm with
// SiLU, GEGLU, and what follows a product. All sums are f32. build.rs compiles them to PTX for Ampere, which newer cards take too.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <stdint.h>

__device__ float wide(float x) { return x; }
__device__ float wide(__half x) { return __half2float(x); }
__device__ float wide(__nv_bfloat16 x) { return __bfloat162float(x); }
template <typename T> __device__ T narrow(float x);
template <> __device__ float narrow(float x) { return x; }
template <> __device__ __half narrow(float x) { return __float2half_rn(x); }
template <> __device__ __nv_bfloat16 narrow(float x) { return __float2bfloat16_rn(x); }

__device__ float gelu(float x) { return 0.5f * x * (1.f + erff(x * 0.70710678f)); }
__device__ float silu(float x) { return x / (1.f + __expf(-x)); }

// Two values in a register, and a product of tiles on matrix units: c += a · b, 16 × 8 and 16 deep.
template <typename T> struct Tile;
#define MMA(TYPE)                                                                                                    \
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." TYPE "." TYPE                                                \
               ".f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"                                             \
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])                                                      \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1))
template <> struct Tile<__half> {
  static __device__ __forceinline__ void multiply(float* c, const uint32_t* a, uint32_t b0, uint32_t b1) { MMA("f16"); }
  static __device__ __forceinline__ uint32_t pair(float x, float y) {
    __half2 both = __floats2half2_rn(x, y);
    return *(uint32_t*)&both;
  }
};
template <> struct Tile<__nv_bfloat16> {
  static __device__ __forceinline__ void multiply(float* c, const uint32_t* a, uint32_t b0, uint32_t b1) { MMA("bf16"); }
  static __device__ __forceinline__ uint32_t pair(float x, float y) {
    __nv_bfloat162 both = __floats2bfloat162_rn(x, y);
    return *(uint32_t*)&both;
  }
};

// softmax(q kᵀ · scale) v. q is [n, queries, heads · D], k and v are [n, keys, heads · D], each contiguous. A block has four warps with 16
// queries each and goes over the keys 64 at a time with a running maximum and sum (FlashAttention-2, arXiv 2307.08691).
// Grid: queries / 64 rounded up, n · heads.
template <typename T, int D>
__device__ void attention(const T* __restrict__ q, const T* __restrict__ k, const T* __restrict__ v, T* __restrict__ y, int queries, int keys,
                          int heads, float scale) {
  constexpr int PADDED = (D + 15) / 16 * 16, AT_ONCE = 64, ROW = PADDED + 8, DEPTHS = PADDED / 16, COLUMNS = PADDED / 8;
  __shared__ __align__(16) T ks[AT_ONCE * ROW];
  __shared__ __align__(16) T vs[AT_ONCE * ROW];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
  const size_t image = blockIdx.y / heads, head = blockIdx.y % heads, width = (size_t)heads * D;
  q += image * queries * width + head * D;
  y += image * queries * width + head * D;
  k += image * keys * width + head * D;
  v += image * keys * width + head * D;
  const int r0 = blockIdx.x * 64 + warp * 16 + g, r1 = r0 + 8;
  uint32_t qs[DEPTHS][4];
  for (int c = 0; c < DEPTHS; c++)
    for (int j = 0; j < 4; j++) {
      const int r = (j & 1) ? r1 : r0, d = c * 16 + 2 * t + (j & 2) * 4;
      qs[c][j] = (r < queries && d < D) ? *(const uint32_t*)(q + r * width + d) : 0u;
    }
  float sums[COLUMNS][4];
  for (int i = 0; i < COLUMNS; i++) sums[i][0] = sums[i][1] = sums[i][2] = sums[i][3] = 0.f;
  float m0 = -INFINITY, m1 = -INFINITY, l0 = 0.f, l1 = 0.f;
  const float in_twos = scale * 1.4426950408889634f;  // powers of two are quicker than of e
  for (int first = 0; first < keys; first += AT_ONCE) {
    __syncthreads();
    for (int i = threadIdx.x; i < AT_ONCE * (PADDED / 8); i += 128) {
      const int r = i / (PADDED / 8), d = i % (PADDED / 8) * 8;
      uint4 kk = make_uint4(0, 0, 0, 0), vv = kk;
      if (first + r < keys && d < D) {
        kk = *(const uint4*)(k + (first + r) * width + d);
        vv = *(const uint4*)(v + (first + r) * width + d);
      }
      *(uint4*)(ks + r * ROW + d) = kk;
      *(uint4*)(vs + r * ROW + d) = vv;
    }
    __syncthreads();
    float s[AT_ONCE / 8][4];
#pragma unroll
    for (int n = 0; n < AT_ONCE / 8; n++) {
      s[n][0] = s[n][1] = s[n][2] = s[n][3] = 0.f;
#pragma unroll
      for (int c = 0; c < DEPTHS; c++) {
        const T* p = ks + (n * 8 + g) * ROW + c * 16 + 2 * t;
        Tile<T>::multiply(s[n], qs[c], *(const uint32_t*)p, *(const uint32_t*)(p + 8));
      }
    }
    float x0 = m0, x1 = m1;
#pragma unroll
    for (int n = 0; n < AT_ONCE / 8; n++)
#pragma unroll
      for (int j = 0; j < 4; j++) {
        s[n][j] = first + n * 8 + 2 * t + (j & 1) < keys ? s[n][j] * in_twos : -INFINITY;
        if (j < 2) x0 = fmaxf(x0, s[n][j]);
        else x1 = fmaxf(x1, s[n][j]);
      }
    for (int w = 1; w < 4; w *= 2) {
      x0 = fmaxf(x0, __shfl_xor_sync(~0u, x0, w));
      x1 = fmaxf(x1, __shfl_xor_sync(~0u, x1, w));
    }
    const float f0 = exp2f(m0 - x0), f1 = exp2f(m1 - x1);
    m0 = x0; m1 = x1; l0 *= f0; l1 *= f1;
#pragma unroll
    for (int n = 0; n < AT_ONCE / 8; n++) {
      s[n][0] = exp2f(s[n][0] - m0); s[n][1] = exp2f(s[n][1] - m0);
      s[n][2] = exp2f(s[n][2] - m1); s[n][3] = exp2f(s[n][3] - m1);
      l0 += s[n][0] + s[n][1];
      l1 += s[n][2] + s[n][3];
    }
#pragma unroll
    for (int i = 0; i < COLUMNS; i++) {
      sums[i][0] *= f0; sums[i][1] *= f0; sums[i][2] *= f1; sums[i][3] *= f1;
    }
#pragma unroll
    for (int c = 0; c < AT_ONCE / 16; c++) {
      const uint32_t weights[4] = {Tile<T>::pair(s[2 * c][0], s[2 * c][1]), Tile<T>::pair(s[2 * c][2], s[2 * c][3]),
                                   Tile<T>::pair(s[2 * c + 1][0], s[2 * c + 1][1]), Tile<T>::pair(s[2 * c + 1][2], s[2 * c + 1][3])};
#pragma unroll
      for (int i = 0; i < COLUMNS; i++) {
        uint32_t b0, b1;
        const uint32_t at = (uint32_t)__cvta_generic_to_shared(vs + (c * 16 + lane % 16) * ROW + i * 8);
        asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1},[%2];" : "=r"(b0), "=r"(b1) : "r"(at));
        Tile<T>::multiply(sums[i], weights, b0, b1);
      }
    }
  }
  for (int w = 1; w < 4; w *= 2) {
    l0 += __shfl_xor_sync(~0u, l0, w);
    l1 += __shfl_xor_sync(~0u, l1, w);
  }
  const float i0 = 1.f / l0, i1 = 1.f / l1;
#pragma unroll
  for (int i = 0; i < COLUMNS; i++) {
    const int d = i * 8 + 2 * t;
    if (d >= D) continue;
    if (r0 < queries) *(uint32_t*)(y + r0 * width + d) = Tile<T>::pair(sums[i][0] * i0, sums[i][1] * i0);
    if (r1 < queries) *(uint32_t*)(y + r1 * width + d) = Tile<T>::pair(sums[i][2] * i1, sums[i][3] * i1);
  }
}

// The sum of a value of each of 512 threads, in all of them.
__device__ float total(float x) {
  __shared__ float parts[16];
  for (int w = 16; w > 0; w /= 2) x += __shfl_xor_sync(~0u, x, w);
  __syncthreads();
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = x;
  __syncthreads();
  x = parts[threadIdx.x % 16];
  for (int w = 8; w > 0; w /= 2) x += __shfl_xor_sync(~0u, x, w);
  return x;
}

// Group norm of an image [n, c, pixels], by SiLU where `then`. A block has a group of an image: `channels` channels, which lie together. The
// variance is summed from the differences to the mean. Grid: n · groups; 512 threads.
template <typename T>
__device__ void group_norm(const T* __restrict__ x, const T* __restrict__ scale, const T* __restrict__ shift, T* __restrict__ y, int groups,
                           int channels, int pixels, float eps, int then) {
  const size_t count = (size_t)channels * pixels, start = blockIdx.x * count;
  const int first = blockIdx.x % groups * channels;
  float sum = 0.f;
  for (size_t i = threadIdx.x; i < count; i += 512) sum += wide(x[start + i]);
  const float mean = total(sum) / count;
  float squares = 0.f;
  for (size_t i = threadIdx.x; i < count; i += 512) {
    const float d = wide(x[start + i]) - mean;
    squares += d * d;
  }
  const float factor = rsqrtf(total(squares) / count + eps);
  for (size_t i = threadIdx.x; i < count; i += 512) {
    const int c = first + (int)(i / pixels);
    const float v = (wide(x[start + i]) - mean) * factor * wide(scale[c]) + wide(shift[c]);
    y[start + i] = narrow<T>(then ? silu(v) : v);
  }
}

// value · gelu(gate), where a row of x is `half` values and their gates. Grid: any; a thread goes on by the size of the grid.
template <typename T> __device__ void geglu(const T* __restrict__ x, T* __restrict__ y, size_t half, size_t count) {
  for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < count; i += (size_t)gridDim.x * blockDim.x) {
    const T* row = x + i / half * 2 * half + i % half;
    y[i] = narrow<T>(wide(row[0]) * gelu(wide(row[half])));
  }
}

// activation(x + bias + vector) + residual. Of each of these x alone must be there. `pixels` values lie together for a channel, `image` for an
// image; `step` is 0 where all images have one vector, else the number of channels.
template <typename T>
__device__ void follow(const T* __restrict__ x, const T* __restrict__ bias, const T* __restrict__ vector, const T* __restrict__ residual,
                       T* __restrict__ y, int has, int activation, size_t pixels, int channels, size_t image, int step, size_t count) {
  for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < count; i += (size_t)gridDim.x * blockDim.x) {
    const int c = i / pixels % channels;
    float v = wide(x[i]);
    if (has & 1) v += wide(bias[c]);
    if (has & 2) v += wide(vector[i / image * step + c]);
    if (activation == 1) v = silu(v);
    if (activation == 2) v = gelu(v);
    if (activation == 3) v = v / (1.f + __expf(-1.702f * v));
    if (activation == 4) v = v < 0.f ? 0.f : v;
    if (has & 4) v += wide(residual[i]);
    y[i] = narrow<T>(v);
  }
}

#define ATTENTION(T, NAME, D)                                                                                              \
  extern "C" __global__ void __launch_bounds__(128)                                                                        \
      attention_##NAME##_##D(const T* q, const T* k, const T* v, T* y, int queries, int keys, int heads, float scale) {    \
    attention<T, D>(q, k, v, y, queries, keys, heads, scale);                                                              \
  }
#define FOR_DEPTHS(T, NAME) \
  ATTENTION(T, NAME, 32) ATTENTION(T, NAME, 40) ATTENTION(T, NAME, 64) ATTENTION(T, NAME, 80) ATTENTION(T, NAME, 96) \
  ATTENTION(T, NAME, 128) ATTENTION(T, NAME, 160)
FOR_DEPTHS(__half, f16)
FOR_DEPTHS(__nv_bfloat16, bf16)

#define OTHERS(T, NAME)                                                                                                    \
  extern "C" __global__ void __launch_bounds__(512)                                                                        \
      group_norm_##NAME(const T* x, const T* scale, const T* shift, T* y, int groups, int channels, int pixels, float eps, int then) { \
    group_norm<T>(x, scale, shift, y, groups, channels, pixels, eps, then);                                                \
  }                                                                                                                        \
  extern "C" __global__ void geglu_##NAME(const T* x, T* y, size_t half, size_t count) { geglu<T>(x, y, half, count); }     \
  extern "C" __global__ void follow_##NAME(const T* x, const T* bias, const T* vector, const T* residual, T* y, int has,   \
                                           int activation, size_t pixels, int channels, size_t image, int step, size_t count) { \
    follow<T>(x, bias, vector, residual, y, has, activation, pixels, channels, image, step, count);                         \
  }
OTHERS(float, f32)
OTHERS(__half, f16)
OTHERS(__nv_bfloat16, bf16)
