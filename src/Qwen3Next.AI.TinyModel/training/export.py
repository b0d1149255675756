"""Writes the checkpoint folder: shards, config.json, generation_config.json (tokenizer and template are already there)."""
import json
import os

import checkpoint


def unconverted(c):
    names = ["lm_head", "model.embed_tokens"]
    for i, kind in enumerate(c.kinds):
        at = "mtp.layers.0." if i == c.layers else f"model.layers.{i}."
        mixer = ["linear_attn.A_log", "linear_attn.conv1d", "linear_attn.dt_bias", "linear_attn.in_proj_ba", "linear_attn.norm"] if kind == "linear" else ["self_attn.q_norm", "self_attn.k_norm"]
        names += [at + n for n in ["input_layernorm", "post_attention_layernorm", "mlp.gate", "mlp.shared_expert_gate"] + mixer]
    return names + ["mtp.fc", "mtp.norm", "mtp.pre_fc_norm_embedding", "mtp.pre_fc_norm_hidden"]


def config_json(c, quantized, pad, eos):
    config = {
        "architectures": ["Qwen3NextForCausalLM"], "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": pad, "decoder_sparse_step": 1, "dtype": "bfloat16", "eos_token_id": eos,
        "head_dim": c.head_dim, "hidden_act": "silu", "hidden_size": c.hidden, "initializer_range": 0.02, "intermediate_size": 2 * c.hidden,
        "layer_types": ["full_attention" if k == "full" else "linear_attention" for k in c.kinds[:-1]],
        "linear_conv_kernel_dim": 4, "linear_key_head_dim": c.delta_dim, "linear_num_key_heads": c.key_heads, "linear_num_value_heads": c.value_heads, "linear_value_head_dim": c.delta_dim,
        "max_position_embeddings": 8192, "mlp_only_layers": [], "model_type": "qwen3_next", "moe_intermediate_size": c.width, "norm_topk_prob": True, "num_attention_heads": c.heads,
        "num_experts": c.experts, "num_experts_per_tok": c.active, "num_hidden_layers": c.layers, "num_key_value_heads": 1, "output_router_logits": False, "pad_token_id": pad,
        "partial_rotary_factor": c.rotary / c.head_dim, "rms_norm_eps": 1e-06,
        "rope_parameters": {"partial_rotary_factor": c.rotary / c.head_dim, "rope_theta": c.theta, "rope_type": "default"}, "router_aux_loss_coef": 0.001,
        "shared_expert_intermediate_size": c.width, "tie_word_embeddings": False, "transformers_version": "5.17.0", "use_cache": True, "vocab_size": c.vocab}
    if quantized:
        config["quantization_config"] = {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic", "weight_block_size": [128, 128], "modules_to_not_convert": unconverted(c)}
    return config


def export(c, p, folder, quantized=True):
    """Both configs follow the token ids of the folder's tokenizer: pad is the first added token, end of turn the third."""
    pad, eos = c.vocab - 26, c.vocab - 24
    checkpoint.write_folder(folder, checkpoint.published(c, p, quantized))
    write(folder, "config.json", config_json(c, quantized, pad, eos))
    write(folder, "generation_config.json", {"bos_token_id": pad, "do_sample": True, "eos_token_id": [eos, pad], "pad_token_id": pad, "temperature": 0.6, "top_k": 20, "top_p": 0.95,
                                             "transformers_version": "5.17.0"})


def write(folder, name, value):
    with open(os.path.join(folder, name), "w") as f:
        json.dump(value, f, indent=2)
        f.write("\n")
