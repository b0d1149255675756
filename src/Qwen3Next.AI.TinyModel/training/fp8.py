"""The official FP8 block layout: e4m3 values and one bf16 multiplier (`weight_scale_inv`) per 128 x 128 block."""
import torch
import torch.nn.functional as F

BLOCK, LARGEST = 128, 448.0


def quantize(w):
    """w [.., N, K] f32 -> (e4m3-rounded values in f32, scales [.., ceil(N/128), ceil(K/128)] rounded to bf16)."""
    rows, columns = w.shape[-2:]
    padded = F.pad(w, (0, -columns % BLOCK, 0, -rows % BLOCK))
    tiles = padded.unflatten(-1, (-1, BLOCK)).unflatten(-3, (-1, BLOCK))
    scale = (tiles.abs().amax((-3, -1)) / LARGEST).clamp_min(1e-12).bfloat16().float()
    values = round_e4m3((tiles / scale[..., :, None, :, None]).clamp(-LARGEST, LARGEST))
    return values.flatten(-2).flatten(-3, -2)[..., :rows, :columns], scale


def round_e4m3(x):
    return x.to(torch.float8_e4m3fn).float()


def decode_e4m3(codes):
    """Bytes (uint8) of e4m3 -> f32, for a PyTorch that has no such type."""
    code = torch.arange(256, dtype=torch.int64)
    exponent, mantissa = (code >> 3) & 15, (code & 7).float()
    value = torch.where(exponent > 0, (1 + mantissa / 8) * 2.0 ** (exponent.float() - 7), mantissa / 8 * 2.0 ** -6)
    value[(code & 127) == 127] = float("nan")
    return torch.where(code > 127, -value, value)[codes.long()]


def dequantize(values, scale):
    rows, columns = values.shape[-2:]
    return values * scale.repeat_interleave(BLOCK, -2).repeat_interleave(BLOCK, -1)[..., :rows, :columns]


def fake_quantize(w):
    """Straight through: the rounded weight forwards, the gradient reaches w unchanged."""
    return w + (dequantize(*quantize(w.detach())) - w.detach())
