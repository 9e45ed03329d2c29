"""Stages that change weights but keep the layers: factorising, sparsifying, clustering, finetuning."""
