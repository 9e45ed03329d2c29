"""Stages that change weights and keep the network: factorising, sparsifying, clustering, finetuning."""
