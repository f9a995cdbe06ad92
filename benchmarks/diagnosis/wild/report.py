"""What is found in the programs: how often a fault is found, how often its kind is named, and false alarms."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import get_args

from gradclinic.diagnosis import RULE_SETS, Diagnosis
from gradclinic.kernel.vocabulary import Blame

from ..measure import wilson
from ..reliability import Said, by_condition, gap, table
from . import (
    album,
    beginner,
    cohort,
    columns,
    decoders,
    diary,
    estimates,
    exercise,
    forum,
    frames,
    gist,
    images,
    lab,
    matching,
    moves,
    notebook,
    own_loss,
    passages,
    photo,
    pictures,
    play,
    post,
    question,
    records,
    repository,
    sequences,
    series,
    spans,
    survey,
    tabular,
    thread,
    ticket,
    unseen,
    vectors,
    window,
)
from .program import Fault, Program, train

MAKERS: tuple[Callable[[], tuple[Program, tuple[Fault, ...]]], ...] = (
    tabular.churn,
    tabular.prices,
    tabular.wines,
    tabular.tumours,
    tabular.tags,
    images.digits,
    images.residual,
    images.autoencoder,
    sequences.forecast,
    sequences.memory,
    sequences.reviews,
    sequences.attention,
    unseen.moons,
    unseen.diabetes,
    unseen.sensors,
    beginner.xor,
    beginner.parabola,
    beginner.sine,
    beginner.heat,
    beginner.line,
    beginner.iris,
    beginner.gender,
    beginner.houses,
    beginner.spiral,
    beginner.numbers,
    beginner.fraud,
    forum.pets,
    forum.films,
    forum.passengers,
    forum.variational,
    forum.denoise,
    forum.ratings,
    forum.deep,
    forum.tokens,
    forum.letters,
    own_loss.energy,
    own_loss.masks,
    own_loss.pairs,
    own_loss.sales,
    own_loss.orders,
    own_loss.characters,
    own_loss.keypoints,
    own_loss.citations,
    own_loss.margins,
    own_loss.sums,
    question.marks,
    question.powers,
    question.second,
    question.mushrooms,
    question.symptoms,
    question.failures,
    question.bikes,
    question.circles,
    question.checkers,
    question.concrete,
    ticket.shapes,
    ticket.textures,
    ticket.peaks,
    ticket.blobs,
    ticket.sunspots,
    ticket.intents,
    ticket.mirror,
    ticket.parcels,
    ticket.voices,
    post.parity,
    post.rents,
    post.loans,
    post.defects,
    post.genres,
    post.calls,
    post.actions,
    post.wear,
    photo.strokes,
    photo.dots,
    photo.codes,
    photo.grain,
    photo.frozen,
    photo.twins,
    series.stocks,
    series.phrases,
    series.recall,
    series.delay,
    play.forgeries,
    play.banners,
    play.corridor,
    play.spring,
    decoders.roads,
    decoders.grammar,
    decoders.turned,
    cohort.stages,
    cohort.relapses,
    cohort.waits,
    cohort.faces,
    estimates.geysers,
    estimates.orbits,
    estimates.cells,
    estimates.pupils,
    matching.views,
    matching.songs,
    matching.rovers,
    matching.flats,
    spans.complaints,
    spans.syllables,
    spans.lesions,
    spans.clouds,
    columns.cars,
    columns.customers,
    columns.wages,
    columns.scenes,
    columns.student,
    pictures.glyphs,
    pictures.retrained,
    pictures.thumbnails,
    pictures.lookalikes,
    passages.demand,
    passages.messages,
    passages.gestures,
    passages.prose,
    notebook.flowers,
    notebook.alcohol,
    notebook.voyage,
    notebook.district,
    notebook.claims,
    notebook.strains,
    notebook.allergens,
    exercise.quadrants,
    exercise.damped,
    exercise.arm,
    exercise.evens,
    exercise.pulses,
    window.weather,
    window.rows,
    window.duty,
    window.headlines,
    thread.newsgroups,
    thread.plays,
    thread.wakewords,
    thread.heartbeats,
    repository.stills,
    repository.handwriting,
    repository.boxes,
    repository.tissue,
    gist.noise,
    gist.likenesses,
    gist.carts,
    gist.landings,
    gist.fares,
    records.income,
    records.tenures,
    records.loads,
    records.listings,
    vectors.augmented,
    vectors.speakers,
    vectors.neighbours,
    vectors.compounds,
    frames.nuclei,
    frames.patches,
    frames.codebook,
    frames.upscale,
    moves.traffic,
    moves.spam,
    moves.ads,
    moves.plate,
    survey.visits,
    survey.quotes,
    survey.subscribers,
    survey.doses,
    survey.reservations,
    survey.friedman,
    survey.payments,
    survey.experts,
    album.garments,
    album.rooftops,
    album.dials,
    album.sprites,
    album.parking,
    album.badges,
    album.postcodes,
    diary.keystrokes,
    diary.melodies,
    diary.meters,
    diary.entities,
    diary.ledgers,
    lab.coupons,
    lab.taxi,
    lab.bookshop,
    lab.metro,
    lab.throws,
    lab.triage,
)
HARMED = 0.15
"""A fault counts only if it lowers the score by at least this much; others did no harm."""
KINDS = len(get_args(Blame))
"""Parts of a training that can be blamed."""


@dataclass(frozen=True)
class Told:
    """The diagnosis of one program, correct or with a fault."""

    program: str
    held_out: bool
    fault: Fault | None
    score: float
    sick: bool
    kinds: tuple[Blame, ...]
    """The parts blamed by harmful findings, most likely first."""
    primary: str
    confidence: float
    """That of the primary finding."""
    leading: tuple[Blame, ...]
    """The first three parts that the primary finding blames, if it does harm."""
    peers: dict[str, bool]
    """Whether each of the peers' rule sets found a fault."""
    origin_right: bool | None = None
    """Whether the first number that was not finite was traced to where it stands; None where that was not asked."""

    @property
    def said(self) -> Said:
        """Whether the primary finding blames a true part, or nothing where nothing is wrong."""
        right = not self.leading if self.fault is None else bool(set(self.leading) & set(self.fault.kinds))
        return Said(self.confidence, right)

    @property
    def first(self) -> bool:
        """Whether the first kind is correct."""
        return self.fault is not None and bool(set(self.kinds[:1]) & set(self.fault.kinds))

    @property
    def among_three(self) -> bool:
        """Whether one of the first three kinds is correct."""
        return self.fault is not None and bool(set(self.kinds[:3]) & set(self.fault.kinds))


def tell_all(only: Sequence[str] = (), *, seed: int = 0, tick: Callable[[], object] = lambda: None) -> list[Told]:
    """Trains every program without and with each of its faults; faults that did no harm are left out."""
    told: list[Told] = []
    for make in MAKERS:
        sound, faults = make()
        if only and sound.name not in only:
            continue
        healthy = tell(sound, None, seed=seed)
        told.append(healthy)
        for fault in faults:
            faulty = tell(sound, fault, seed=seed)
            tick()
            if faulty.score <= healthy.score - HARMED:
                told.append(faulty)
    return told


def tell(sound: Program, fault: Fault | None, *, seed: int) -> Told:
    """Trains one program and diagnoses it."""
    program = sound if fault is None else fault.put_into(sound)
    trained = train(program, seed=seed, rule_sets=[name for name in RULE_SETS if name != "1"])
    first = trained.diagnosis.findings[0]
    return Told(
        program=sound.name,
        held_out=sound.held_out,
        fault=fault,
        score=trained.score,
        sick=_is_sick(trained.diagnosis),
        kinds=_kinds(trained.diagnosis),
        primary=trained.diagnosis.primary,
        confidence=first.confidence,
        leading=first.blames[:3] if first.harm else (),
        peers={name: _is_sick(diagnosis) for name, diagnosis in trained.peers.items()},
        origin_right=None if fault is None or fault.origin is None else fault.origin.is_named_by(trained.origin),
    )


def _is_sick(diagnosis: Diagnosis) -> bool:
    return any(finding.harm for finding in diagnosis.findings)


def _kinds(diagnosis: Diagnosis) -> tuple[Blame, ...]:
    blamed = [blame for finding in diagnosis.findings if finding.harm for blame in finding.blames]
    return tuple(dict.fromkeys(blamed))


def by_chance(told: Iterable[Told], guesses: int) -> float:
    """Mean probability that this many different random kinds include a true one."""
    chances = []
    for each in told:
        if each.fault is None:
            continue
        missed = 1.0
        for drawn in range(guesses):
            missed *= (KINDS - len(each.fault.kinds) - drawn) / (KINDS - drawn)
        chances.append(1.0 - missed)
    return sum(chances) / len(chances) if chances else 0.0


def _chance(told: Sequence[Told], guesses: int) -> str:
    return f"; by chance {by_chance(told, guesses):.2f}"


def figures(told: Sequence[Told]) -> list[dict[str, str | float]]:
    """The rates with 95 % intervals, for the held-out programs and for the others."""
    rows: list[dict[str, str | float]] = []
    for held_out in (True, False):
        group = [each for each in told if each.held_out == held_out]
        faulty, sound = [e for e in group if e.fault is not None], [e for e in group if e.fault is None]
        name = "held-out programs" if held_out else "programs used to develop the rules"
        peers = [peer for peer in RULE_SETS if peer != "1"]
        traced = [e.origin_right for e in faulty if e.origin_right is not None]
        counted = [
            ("faulty: fault found", sum(e.sick for e in faulty), len(faulty), ""),
            ("faulty: true kind named first", sum(e.first for e in faulty), len(faulty), _chance(faulty, 1)),
            (
                "faulty: true kind in first three",
                sum(e.among_three for e in faulty),
                len(faulty),
                _chance(faulty, 3),
            ),
            ("faulty: origin of NaN or infinity right", sum(traced), len(traced), ""),
            ("correct: false alarm", sum(e.sick for e in sound), len(sound), ""),
            *((f"faulty: fault found, {peer}", sum(e.peers[peer] for e in faulty), len(faulty), "") for peer in peers),
            *((f"correct: false alarm, {peer}", sum(e.peers[peer] for e in sound), len(sound), "") for peer in peers),
        ]
        for subject, hits, of, more in counted:
            if of:
                low, high = wilson(hits, of)
                rows.append(
                    {
                        "benchmark": "diagnosis --wild",
                        "subject": subject,
                        "configuration": f"{name}, {of}",
                        "value": hits / of,
                        "unit": "fraction",
                        "noise": f"95 %: {low:.2f} to {high:.2f}{more}",
                    }
                )
        said = [each.said for each in group if each.primary != "insufficient_evidence"]
        rows += table(said, configuration=name)
        rows += by_condition(((each.primary, each.said) for each in group), configuration=name)
        if said:
            rows.append(
                {
                    "benchmark": "diagnosis --wild",
                    "subject": "confidence above the fraction right, mean",
                    "configuration": f"{name}, {len(said)}",
                    "value": gap(said),
                    "unit": "fraction",
                    "noise": "",
                }
            )
        if faulty:
            rows.append(
                {
                    "benchmark": "diagnosis --wild",
                    "subject": "faulty: kinds named",
                    "configuration": f"{name}, {len(faulty)}",
                    "value": sum(len(e.kinds[:3]) for e in faulty) / len(faulty),
                    "unit": "kinds a program, of the first three",
                    "noise": "",
                }
            )
    return rows


def missed(told: Sequence[Told]) -> list[str]:
    """One line per faulty program whose first kind is wrong, and per correct program with a false alarm."""
    return [
        f"{each.program}: {each.fault.name if each.fault else 'sound'} (score {each.score:.2f}):"
        f" {each.primary}, {', '.join(each.kinds) or 'nothing'};"
        f" true: {', '.join(each.fault.kinds) if each.fault else 'nothing'}"
        for each in told
        if (each.fault is not None and not each.first) or (each.fault is None and each.sick)
    ]
