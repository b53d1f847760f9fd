"""Timing a photo: whole runs of the command line, of the model that is asked for."""

from dng_matrix import CASES

from rawclean.evaluation.speed import Machine, measure_speed, to_markdown


def test_a_photo_is_timed_step_by_step_with_the_model_that_is_named(tmp_path):
    photo = CASES["ljpeg_tiles"].write(tmp_path / "in.dng")
    done = []
    speed = measure_speed(photo, Machine(model="student-medium"), lambda: done.append(1), runs=1)
    assert speed.model == "student-medium"
    assert len(done) == 1
    assert sum(speed.steps.values()) <= speed.wall
    assert min(speed.wall, speed.peak_memory_mib, speed.gmac_per_second, *speed.others.values()) > 0
    assert "student-medium" in to_markdown(speed)


def test_one_model_is_timed(rawclean, tmp_path):
    photo = CASES["ljpeg_tiles"].write(tmp_path / "in.dng")
    result = rawclean("bench", photo, "--speed", "--model", "student-low", "--model", "student-high")
    assert result.status == 2
    assert "one model at a time" in " ".join(result.err.split())
