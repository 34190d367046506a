// What the lab answers for: rows of the table of issue 17, and those of later articles after them.

/** Rows in the order of the report, with the words over them. */
export const TABLE = {
  "rope-base": { en: "RoPE base bound", zh: "RoPE 底数的下界" },
  frequencies: { en: "PI, NTK, YaRN, dynamic", zh: "PI、NTK、YaRN 与动态缩放" },
  rerope: { en: "ReRoPE and its leaky forms", zh: "ReRoPE 及 Leaky 形式" },
  "inverse-leaky": { en: "Inverse Leaky ReRoPE", zh: "逆用 Leaky ReRoPE" },
  hwfa: { en: "HWFA, HWFA + ReRoPE", zh: "HWFA 与 HWFA + ReRoPE" },
  "log-scale": { en: "log n and entropy invariance", zh: "log n 与熵不变性" },
  concentration: { en: "Concentration of attention", zh: "注意力的集中能力" },
  mla: { en: "MHA to MLA", zh: "从 MHA 到 MLA" },
  recurrence: { en: "Attention as an RNN", zh: "注意力是 RNN" },
  "linear-attention": { en: "Performer and Transformer-VQ", zh: "Performer 与 Transformer-VQ" },
  rtf: { en: "RTF", zh: "RTF" },
  deer: { en: "DEER", zh: "DEER" },
  monarch: { en: "Monarch", zh: "Monarch" },
  fsq: { en: "FSQ against VQ", zh: "FSQ 与 VQ" },
  "bn-vae": { en: "BN-VAE", zh: "BN-VAE" },
  ign: { en: "IGN", zh: "IGN" },
  patches: {
    en: "Lossless multimodal input, autoregression with patches",
    zh: "无损的多模态输入与 Patch 自回归",
  },
  bytepiece: { en: "BytePiece's compression and speed", zh: "BytePiece 的压缩率与速度" },
  "random-segmentation": { en: "Exact random segmentation", zh: "完美的随机分词" },
  continuation: { en: "The continuation problem of large vocabularies", zh: "大词表的续写问题" },
  tiger: { en: "Lion, Tiger and the embedding anomaly", zh: "Lion、Tiger 与 Embedding 异常" },
  "eg-step": { en: "EG step sizes", zh: "EG 的步长" },
  "sgd-average": { en: "SGD's average loss I–V", zh: "SGD 的平均损失（一至五）" },
  cosine: { en: "Local and global cosine", zh: "局部余弦与全局余弦" },
  lora: { en: "LoRA+, LoRA-GA, LoRA-Pro", zh: "LoRA+、LoRA-GA 与 LoRA-Pro" },
  related: { en: "Related papers, preference order", zh: "相关论文与偏好排序" },
  retry: { en: "Retry under outage", zh: "故障下的重试" },
  "least-sum": { en: "N = ab + c", zh: "N = ab + c" },
  brachistochrone: { en: "Brachistochrone", zh: "最速曲线" },
  later: { en: "Later articles", zh: "后来的文章" },
} as const;

export type TableRow = keyof typeof TABLE;
