"""What the model is asked while it trains, besides the velocity: linear layers must read the answers.

They are no part of the model. What they ask for is known of drawn clips (``labels.py``), and
is what captions are about: which subject of which colour is where.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers import WanTransformer3DModel
from transformers import PreTrainedTokenizerFast, UMT5EncoderModel

import world
from captions import COLOUR_WORDS, SUBJECT_WORDS
from labels import CLASSES, WORD_CLASSES, word_labels
from sprites import COLOURS, SUBJECTS

# The transformer's block that is asked about latents.
BLOCK = 3


def wrong(answers: torch.Tensor, classes: tuple[int, ...], right: torch.Tensor) -> torch.Tensor:
    """Sum of the cross entropies of several questions; answers [n, sum(classes)], right [n, questions]."""
    parts = answers.split(classes, -1)
    return sum(F.cross_entropy(a, right[:, i].long(), reduction="none") for i, a in enumerate(parts))


class LatentLesson(torch.nn.Module):
    """Asks a block's output what each latent shows."""

    def __init__(self, transformer: WanTransformer3DModel):
        super().__init__()
        config = transformer.config
        self.side = config.patch_size[-1]
        self.answer = torch.nn.Linear(
            config.num_attention_heads * config.attention_head_dim, self.side**2 * sum(CLASSES)
        )
        transformer.blocks[BLOCK].register_forward_hook(self.listen)
        self.heard = torch.empty(0)

    def listen(self, _block, _inputs, output: torch.Tensor) -> None:
        self.heard = output

    def forward(self, labels: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Weighted mean over latents; labels [b, t, h, w, questions] and weight [b, t, h, w]."""
        b, t, h, w, _ = labels.shape
        n = self.side
        answers = self.answer(self.heard).view(b, t, h // n, w // n, n, n, -1)
        answers = answers.permute(0, 1, 2, 4, 3, 5, 6).reshape(b * t * h * w, -1)
        return (wrong(answers, CLASSES, labels.flatten(0, 3)) * weight.flatten()).mean() / weight.mean()


class CaptionLesson(torch.nn.Module):
    """Asks the words for a subject and its colour where it is, what it is, which colour, what it does.

    So words get to know each other: "red" that it is a ball's, "ball" that it is on the left.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast, text_width: int):
        super().__init__()
        self.answer = torch.nn.Linear(text_width, sum(WORD_CLASSES))
        pieces = tokenizer.get_vocab()
        # Class of each subject's and each colour's words, by token.
        self.subjects, self.colours = (
            {pieces[f"▁{word}"]: 1 + i for i, words in enumerate(kinds) for word in words}
            for kinds in ([SUBJECT_WORDS[s] for s in SUBJECTS], [COLOUR_WORDS[c] for c in COLOURS])
        )

    def questions(self, ids: torch.Tensor, scenes: list[world.Scene]) -> tuple[list, list]:
        """The places of such words, [row, column], and their right answers."""
        asked, right = [], []
        for row, (tokens, scene) in enumerate(zip(ids.tolist(), scenes)):
            things = word_labels(scene)
            # Two subjects never share their name or colour.
            for thing in things[: 2 if scene.relation else 1]:
                _, subject, colour, _ = thing
                for column, token in enumerate(tokens):
                    if self.subjects.get(token) == subject or self.colours.get(token) == colour:
                        asked.append((row, column))
                        right.append(thing)
        return asked, right

    def forward(
        self, text_encoder: UMT5EncoderModel, ids: torch.Tensor, mask: torch.Tensor, scenes: list[world.Scene]
    ) -> torch.Tensor:
        """Mean over words; ids and mask [b, n]."""
        hidden = text_encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        asked, right = self.questions(ids, scenes)
        rows, columns = torch.tensor(asked, device=ids.device).T
        return wrong(self.answer(hidden[rows, columns]), WORD_CLASSES, torch.tensor(right, device=ids.device)).mean()
