// Greedy decoding of a llama2.c checkpoint with plain loops and OpenMP: the yardstick of `decode-stories15M`, and an
// independent reference for its tokens. Written here from the format's description, in the manner of llama2.c's run.c.
//
// build: gcc -Ofast -march=native -fopenmp -o decode decode.c -lm        usage: decode MODEL.bin TOKENS
// Prints one JSON line: {"tokensPerSecond": …, "ids": […]}.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

// y[rows] = W[rows, columns] x[columns]
static void product(float *restrict y, const float *restrict W, const float *restrict x, int rows, int columns) {
#pragma omp parallel for
  for (int r = 0; r < rows; r++) {
    const float *w = W + (size_t)r * columns;
    float sum = 0;
    for (int c = 0; c < columns; c++) sum += w[c] * x[c];
    y[r] = sum;
  }
}

static void rms(float *y, const float *x, const float *gain, int n) {
  float s = 0;
  for (int i = 0; i < n; i++) s += x[i] * x[i];
  s = 1 / sqrtf(s / n + 1e-5f);
  for (int i = 0; i < n; i++) y[i] = gain[i] * (s * x[i]);
}

// Turns neighbouring pairs of every head by position / 10000^(2i/D).
static void turn(float *x, int heads, int D, int position) {
  for (int h = 0; h < heads; h++) {
    for (int i = 0; i < D; i += 2) {
      float angle = position * powf(10000.0f, -(float)i / D), c = cosf(angle), s = sinf(angle);
      float *p = x + h * D + i, a = p[0], b = p[1];
      p[0] = a * c - b * s;
      p[1] = a * s + b * c;
    }
  }
}

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "usage: decode MODEL.bin TOKENS\n"), 2;
  FILE *file = fopen(argv[1], "rb");
  int32_t head[7];
  if (!file || fread(head, 4, 7, file) != 7) return fprintf(stderr, "%s cannot be read\n", argv[1]), 2;
  const int C = head[0], F = head[1], L = head[2], H = head[3], G = head[4], V = abs(head[5]), N = head[6], D = C / H, K = G * D;
  fseek(file, 0, SEEK_END);
  long bytes = ftell(file) - 28;
  float *w = aligned_alloc(64, (bytes + 63) / 64 * 64);
  fseek(file, 28, SEEK_SET);
  if (fread(w, 1, bytes, file) != (size_t)bytes) return 2;
  const float *table = w, *norm1 = table + (size_t)V * C, *wq = norm1 + L * C, *wk = wq + (size_t)L * C * C,
              *wv = wk + (size_t)L * C * K, *wo = wv + (size_t)L * C * K, *norm2 = wo + (size_t)L * C * C,
              *gate = norm2 + L * C, *down = gate + (size_t)L * C * F, *up = down + (size_t)L * C * F,
              *last = up + (size_t)L * C * F, *out = head[5] > 0 ? table : last + C + N * D;
  int steps = atoi(argv[2]);
  if (steps > N - 1) steps = N - 1;
  float *x = calloc(C, 4), *h = calloc(C, 4), *q = calloc(C, 4), *o = calloc(C, 4), *a = calloc(F, 4), *b = calloc(F, 4),
        *scores = calloc((size_t)H * N, 4), *logits = calloc(V, 4), *keys = calloc((size_t)L * N * K, 4), *values = calloc((size_t)L * N * K, 4);
  int *ids = calloc(steps + 1, sizeof(int));
  ids[0] = 1;
  double start = now();
  for (int t = 0; t < steps; t++) {
    if (t == 1) start = now();
    memcpy(x, table + (size_t)ids[t] * C, 4 * C);
    for (int l = 0; l < L; l++) {
      float *key = keys + ((size_t)l * N + t) * K, *value = values + ((size_t)l * N + t) * K;
      rms(h, x, norm1 + l * C, C);
      product(q, wq + (size_t)l * C * C, h, C, C);
      product(key, wk + (size_t)l * C * K, h, K, C);
      product(value, wv + (size_t)l * C * K, h, K, C);
      turn(q, H, D, t);
      turn(key, G, D, t);
#pragma omp parallel for
      for (int i = 0; i < H; i++) {
        int g = i / (H / G);
        float *s = scores + i * N, most = -1e30f, sum = 0, *y = o + i * D;
        for (int j = 0; j <= t; j++) {
          const float *k = keys + ((size_t)l * N + j) * K + g * D;
          s[j] = 0;
          for (int d = 0; d < D; d++) s[j] += q[i * D + d] * k[d];
          s[j] /= sqrtf(D);
          if (s[j] > most) most = s[j];
        }
        for (int j = 0; j <= t; j++) sum += s[j] = expf(s[j] - most);
        memset(y, 0, 4 * D);
        for (int j = 0; j <= t; j++) {
          const float *v = values + ((size_t)l * N + j) * K + g * D;
          for (int d = 0; d < D; d++) y[d] += s[j] / sum * v[d];
        }
      }
      product(h, wo + (size_t)l * C * C, o, C, C);
      for (int i = 0; i < C; i++) x[i] += h[i];
      rms(h, x, norm2 + l * C, C);
      product(a, gate + (size_t)l * C * F, h, F, C);
      product(b, up + (size_t)l * C * F, h, F, C);
      for (int i = 0; i < F; i++) a[i] = a[i] / (1 + expf(-a[i])) * b[i];
      product(h, down + (size_t)l * C * F, a, C, F);
      for (int i = 0; i < C; i++) x[i] += h[i];
    }
    rms(h, x, last, C);
    product(logits, out, h, V, C);
    int best = 0;
    for (int i = 1; i < V; i++) if (logits[i] > logits[best]) best = i;
    ids[t + 1] = best;
  }
  printf("{\"tokensPerSecond\": %.2f, \"ids\": [", (steps - 1) / (now() - start));
  for (int t = 0; t <= steps; t++) printf("%s%d", t ? ", " : "", ids[t]);
  printf("]}\n");
  return 0;
}
